package import BalanceCore

/// Makes the original's test model: random weights, judged on random data.
package enum DummyTrainer {
    /// - Throws: `Failure` with code `invalidArgument` for counts that make no data.
    package static func train(
        seed: Int,
        samples: Int,
        features: Int
    ) throws -> (model: LinearModelFile, metrics: [Metric]) {
        guard (1...10_000_000).contains(samples) else {
            throw Failure(.invalidArgument, "--n-samples must be between 1 and 10000000, not \(samples)")
        }
        guard (1...10_000).contains(features) else {
            throw Failure(.invalidArgument, "--n-features must be between 1 and 10000, not \(features)")
        }
        var random = SplitMix64(seed: seed)
        let weights = (0..<features).map { _ in random.normal() }
        var model = LinearModelFile(
            modelType: "DummyBalanceModel",
            featureNames: (1...features).map { "f\($0)" },
            mean: [],
            scale: [],
            weights: weights,
            intercept: random.normal(),
            classes: ["0", "1"],
            clip: 1e-6,
            training: .object([("rows", .int(samples)), ("seed", .int(seed))])
        )
        let predictor = model.predictor
        var target: [Int] = []
        var answers: [Double] = []
        for _ in 0..<samples {
            let row = (0..<features).map { _ in random.normal() }
            let answer = try predictor.outputs(row)[1]
            if model.golden == nil { model.golden = GoldenRow(features: row, probability: answer) }
            answers.append(answer)
            target.append(random.uniform() < answer ? 1 : 0)
        }
        return (model, BinaryMetrics.evaluate(target: target, probabilities: answers))
    }
}
