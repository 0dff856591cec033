/// Which label counts as positive, and which as its opposite; nil where that is not clear.
package struct ClassRoles: Sendable, Hashable {
    package var positive: String?
    package var negative: String?

    private static let positives: Set = ["1", "1.0", "True", "true"]

    /// - Parameters:
    ///   - classes: The labels of all rows.
    ///   - named: The positive one, where the policy names it; else the one of two that is written as 1 or true.
    init(classes: some Collection<String>, named: String?) {
        positive = classes.first { $0 == named }
        if named == nil, classes.count <= 2 { positive = classes.first(where: Self.positives.contains) }
        guard classes.count <= 2 else { return }
        negative = classes.first { $0 != positive }
        if positive == nil, named != nil || classes.count == 2 { negative = nil }
    }

    /// Whether a metric needs to know which label is positive.
    static func matter(for metric: String) -> Bool { ["recall_0", "recall_1", "precision_1", "f1"].contains(metric) }
}

/// A metric that can be computed from rows with their labels and predictions.
enum PairedMetric {
    static let names = [
        "acc", "accuracy", "bal_acc", "balanced_accuracy", "recall_0", "recall_1", "precision_1", "f1",
    ]

    /// What is counted of one class.
    struct Tally {
        var rows = 0
        var right = 0
        var positive = 0
    }

    /// The value; nil where it is not defined, as a recall without rows.
    static func value(_ name: String, _ classes: [String], _ tallies: [Tally], _ roles: ClassRoles) -> Double? {
        let rows = tallies.reduce(0) { $0 + $1.rows }
        guard rows > 0 else { return nil }
        func recall(_ index: Int?) -> Double? {
            guard let index, tallies[index].rows > 0 else { return nil }
            return Double(tallies[index].right) / Double(tallies[index].rows)
        }
        let positive = roles.positive.flatMap(classes.firstIndex)
        switch name {
        case "acc", "accuracy": return Double(tallies.reduce(0) { $0 + $1.right }) / Double(rows)
        case "bal_acc", "balanced_accuracy":
            let recalls = classes.indices.compactMap(recall)
            guard recalls.count == classes.count, classes.count > 1 else { return nil }
            return recalls.reduce(0, +) / Double(recalls.count)
        case "recall_1": return recall(positive)
        case "recall_0": return recall(roles.negative.flatMap(classes.firstIndex))
        default: return ratio(name, positive, tallies)
        }
    }

    /// `precision_1` and `f1`.
    private static func ratio(_ name: String, _ positive: Int?, _ tallies: [Tally]) -> Double? {
        guard let positive else { return nil }
        let hits = tallies[positive].right
        let said = tallies.reduce(0) { $0 + $1.positive }
        let below = name == "f1" ? said + tallies[positive].rows : said
        guard below > 0 else { return nil }
        return Double(name == "f1" ? 2 * hits : hits) / Double(below)
    }

    /// The values of a table alone.
    static func value(_ name: String, of table: PredictionTable, _ roles: ClassRoles) -> Double? {
        PairedRows(table, table, roles).flatMap { rows in
            let tallies = rows.counts.map { Self.tallies($0.map { ($0.row, $0.count) }).candidate }
            return value(name, rows.classes, tallies, roles)
        }
    }

    /// What is counted of the rows of one class, for each model.
    static func tallies(_ rows: [(PairedRows.Row, Int)]) -> (candidate: Tally, current: Tally) {
        var found = (candidate: Tally(), current: Tally())
        for (row, count) in rows {
            found.candidate.rows += count
            found.current.rows += count
            if row.isRight.candidate { found.candidate.right += count }
            if row.isRight.current { found.current.right += count }
            if row.isPositive.candidate { found.candidate.positive += count }
            if row.isPositive.current { found.current.positive += count }
        }
        return found
    }
}
