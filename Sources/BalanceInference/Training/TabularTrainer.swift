package import BalanceCore

/// Trains the tabular baseline: a standardiser and an L2 logistic regression.
package enum TabularTrainer {
    /// A trained model and how it did on rows that it had not seen.
    package struct Result: Sendable {
        package var model: LinearModelFile
        package var metrics: [Metric]
        package var objective: Double
        /// What the model says of each row that it was tested on, as CSV: row, label, prediction, score.
        package var predictions: [UInt8]
    }

    /// Trains on a share of the rows and tests on the rest; with `testSize` 0 it does both on all rows.
    package static func train(_ dataset: Dataset, seed: Int, testSize: Double) throws -> Result {
        let split = try StratifiedSplit.split(dataset.target, testSize: testSize, seed: seed)
        let features = dataset.features.selecting(split.train)
        let target = split.train.map { dataset.target[$0] }
        let standardizer = try Standardizer(features, names: dataset.featureNames)
        let regression = try LogisticRegression(features: standardizer.apply(to: features), target: target)
        var model = LinearModelFile(
            modelType: "Pipeline",
            featureNames: dataset.featureNames,
            mean: standardizer.mean,
            scale: standardizer.scale,
            weights: regression.weights,
            intercept: regression.intercept,
            classes: ["0", "1"],
            clip: 0,
            training: TrainingProfile.json(dataset, features: features, target: target, regression)
        )
        let predictor = model.predictor
        let answers = try split.test.map { try predictor.outputs(dataset.features[row: $0])[1] }
        let first = dataset.features[row: split.test[0]]
        model.golden = GoldenRow(features: first, probability: answers[0])
        let metrics = BinaryMetrics.evaluate(target: split.test.map { dataset.target[$0] }, probabilities: answers)
        let lines = zip(split.test, answers).map { row, answer in
            "\(row),\(dataset.target[row]),\(answer >= 0.5 ? 1 : 0),\(answer)\n"
        }
        return Result(
            model: model,
            metrics: metrics,
            objective: regression.objective,
            predictions: Array(("row,label,prediction,score\n" + lines.joined()).utf8)
        )
    }
}

/// What a model remembers of its training data.
enum TrainingProfile {
    static func json(
        _ dataset: Dataset,
        features: Matrix,
        target: [Int],
        _ regression: LogisticRegression
    ) -> JSONValue {
        let positives = target.reduce(0, +)
        let columns = dataset.featureNames.enumerated().map { index, name in
            column(name, features[column: index].sorted())
        }
        return .object([
            ("rows", .int(features.rows)),
            ("classes", .object([("0", .int(features.rows - positives)), ("1", .int(positives))])),
            ("objective", .double(regression.objective)), ("gradient_norm", .double(regression.gradientNorm)),
            ("iterations", .int(regression.iterations)), ("features", .array(columns)),
        ])
    }

    private static func column(_ name: String, _ sorted: [Double]) -> JSONValue {
        let deciles = (1...9).map { sorted[(sorted.count - 1) * $0 / 10] }
        return .object([
            ("name", .string(name)), ("min", .double(sorted.first ?? 0)), ("max", .double(sorted.last ?? 0)),
            ("mean", .double(sorted.reduce(0, +) / Double(max(1, sorted.count)))), ("deciles", .numbers(deciles)),
        ])
    }
}
