/// What a model predicted for each row of the data that it was judged on.
package struct PredictionTable: Sendable {
    /// Names the row, the same for every model that is judged on it.
    package var ids: [String]
    package var labels: [String]
    package var predictions: [String]
    /// Columns by which the rows can be sliced.
    package var columns: [String: [String]]

    /// - Throws: `Failure` with code `datasetInvalid` where the columns differ in length or a row stands twice.
    package init(ids: [String], labels: [String], predictions: [String], columns: [String: [String]] = [:]) throws {
        let count = ids.count
        guard labels.count == count, predictions.count == count, columns.values.allSatisfy({ $0.count == count }) else {
            throw Failure(.datasetInvalid, "the columns of the predictions differ in length")
        }
        guard Set(ids).count == count else {
            throw Failure(
                .datasetInvalid,
                "a row stands twice in the predictions",
                hint: "give each row an id of its own"
            )
        }
        self.ids = ids
        self.labels = labels
        self.predictions = predictions
        self.columns = columns
    }

    /// Tells these rows with these labels from all others, in whatever order they stand.
    package var fingerprint: String {
        let rows = zip(ids, labels).map { "\($0.utf8.count):\($0)\($1)" }.sorted()
        return ContentHash.of(Array(rows.joined(separator: "\n").utf8))
    }

    /// The first prediction that is none of the labels, and its row; nil where each is one.
    ///
    /// A probability, or `True` where the labels are 1 and 0, would count as wrong in every row.
    var stray: (row: String, prediction: String)? {
        let known = Set(labels)
        return zip(ids, predictions).first { !known.contains($0.1) }.map { (row: $0.0, prediction: $0.1) }
    }

    /// How many rows each class has.
    package var classes: [String: Int] { labels.reduce(into: [:]) { $0[$1, default: 0] += 1 } }

    /// Some of the rows.
    func rows(_ kept: [Int]) throws -> PredictionTable {
        try PredictionTable(
            ids: kept.map { ids[$0] },
            labels: kept.map { labels[$0] },
            predictions: kept.map { predictions[$0] }
        )
    }
}

/// The rows of two tables that both models judged, in one order; each row as what matters of it.
struct PairedRows {
    /// A row of one class: whether each model was right, and whether it said the positive class.
    struct Row: Hashable {
        var isRight: (candidate: Bool, current: Bool)
        var isPositive: (candidate: Bool, current: Bool)

        static func == (left: Row, right: Row) -> Bool { left.code == right.code }
        func hash(into hasher: inout Hasher) { hasher.combine(code) }

        var code: Int {
            (isRight.candidate ? 1 : 0) + (isRight.current ? 2 : 0) + (isPositive.candidate ? 4 : 0)
                + (isPositive.current ? 8 : 0)
        }
    }

    /// The classes, sorted.
    let classes: [String]
    /// How often each kind of row occurs, by class.
    let counts: [[(row: Row, count: Int)]]
    let count: Int

    let roles: ClassRoles

    /// nil where the tables do not hold the same rows with the same labels.
    init?(_ candidate: PredictionTable, _ current: PredictionTable, _ roles: ClassRoles) {
        self.roles = roles
        guard candidate.ids.count == current.ids.count else { return nil }
        let places = Dictionary(zip(current.ids, current.ids.indices)) { first, _ in first }
        var counts: [String: [Row: Int]] = [:]
        for index in candidate.ids.indices {
            guard let other = places[candidate.ids[index]], current.labels[other] == candidate.labels[index] else {
                return nil
            }
            let label = candidate.labels[index]
            let (a, b) = (candidate.predictions[index], current.predictions[other])
            let row = Row(
                isRight: (a == label, b == label),
                isPositive: (a == roles.positive, b == roles.positive)
            )
            counts[label, default: [:]][row, default: 0] += 1
        }
        let classes = counts.keys.sorted()
        self.classes = classes
        self.counts = classes.map { label in
            (counts[label] ?? [:]).map { (row: $0.key, count: $0.value) }.sorted { $0.row.code < $1.row.code }
        }
        count = candidate.ids.count
    }
}
