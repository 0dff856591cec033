package import BalanceCore

/// The rows of a data set that a model is judged on, with the columns in the order of the model.
package struct TabularEvaluation: Sendable {
    /// The numbers of the rows in the data set, from 0.
    package let rows: [Int]
    /// A row of numbers for each.
    package let features: [[Double]]
    /// 0 or 1 for each.
    package let target: [Int]
    /// What the values of the target stand for, where they are texts.
    private let mapping: [String: Int]

    /// Takes the rows that a training with this seed and share would test on.
    ///
    /// - Throws: `Failure` with code `featureSizeMismatch` where the data has not the model's columns.
    package init(_ dataset: Dataset, names: [String]?, count: Int, seed: Int, testSize: Double) throws {
        let order = try Self.order(dataset.featureNames, names, count)
        rows = try StratifiedSplit.split(dataset.target, testSize: testSize, seed: seed).test
        features = rows.map { row in
            let all = dataset.features[row: row]
            return order.map { all[$0] }
        }
        target = rows.map { dataset.target[$0] }
        let known = dataset.meta.first { $0.0 == "target_mapping" }?.1.members ?? []
        mapping = Dictionary(known.map { ($0.0, $0.1.integer ?? 0) }) { first, _ in first }
    }

    private static func order(_ columns: [String], _ names: [String]?, _ count: Int) throws -> [Int] {
        guard let names else {
            guard columns.count == count else {
                throw Failure(
                    .featureSizeMismatch,
                    "the model takes \(count) features, and the data has \(columns.count): "
                        + columns.prefix(20).joined(separator: ", "),
                    hint: "use the data set spec that the model was trained with"
                )
            }
            return Array(columns.indices)
        }
        return try names.map { name in
            if let index = columns.firstIndex(of: name) { return index }
            throw Failure(
                .featureSizeMismatch,
                "the data has no column '\(name)' that the model takes",
                hint: "the columns after encoding are \(columns.prefix(30).joined(separator: ", "))"
            )
        }
    }

    /// What a model said of each row: its labels as 0 and 1, and the probabilities of 1, where it has some.
    package struct Answers: Sendable {
        package var labels: [Int] = []
        package var scores: [Double] = []

        package init() {}
    }

    /// Adds the API's predictions of some rows.
    ///
    /// - Throws: `Failure` with code `datasetInvalid` for an answer that is no value of the target.
    package func add(_ predictions: [JSONValue], to answers: inout Answers) throws {
        for prediction in predictions {
            guard let label = prediction["label"], let value = value(label.string ?? label.text()) else {
                let text = prediction["label"].map { "'\($0.string ?? $0.text())'" } ?? "a number"
                throw Failure(
                    .datasetInvalid,
                    "the model answers \(text), which is not a value of the target",
                    hint: "only models of two classes can be evaluated; log the metrics of others with MLflow's client"
                )
            }
            answers.labels.append(value)
            let chances = prediction["probabilities"]?.members ?? []
            if let score = chances.first(where: { self.value($0.0) == 1 })?.1.number { answers.scores.append(score) }
        }
    }

    private func value(_ label: String) -> Int? {
        if let known = mapping[label] { return known }
        switch label {
        case "0", "0.0", "False", "false": return 0
        case "1", "1.0", "True", "true": return 1
        default: return nil
        }
    }

    package func metrics(_ answers: Answers) -> [Metric] {
        BinaryMetrics.evaluate(target: target, probabilities: answers.labels.map(Double.init))
    }

    /// Each row as a policy's paired tests read it.
    package func predictions(_ answers: Answers) -> [UInt8] {
        let hasScores = answers.scores.count == rows.count
        var text = "row,label,prediction" + (hasScores ? ",score\n" : "\n")
        for (index, row) in rows.enumerated() {
            text +=
                "\(row),\(target[index]),\(answers.labels[index])" + (hasScores ? ",\(answers.scores[index])\n" : "\n")
        }
        return Array(text.utf8)
    }
}
