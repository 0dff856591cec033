import BalanceCore

/// Compiles a search over logged models, whose table is `l`.
struct LoggedModelSQL: ConditionSQL {
    /// The data sets that metrics of the filter may be measured on; empty: any.
    let datasets: [DatasetReference]
    var arguments: [SQLValue] = []

    private static let texts = [
        "name": "l.name", "model_id": "l.model_id", "model_type": "COALESCE(l.model_type, '')",
        "source_run_id": "COALESCE(l.source_run_id, '')",
    ]
    private static let numbers = [
        "creation_timestamp": "l.created_at_ms", "creation_time": "l.created_at_ms",
        "last_updated_timestamp": "l.updated_at_ms", "status": "l.status",
    ]
    private static let attributeWords: Set<String> = ["", "attribute", "attributes"]
    private static let textComparators: Set<SearchFilter.Comparator> = [
        .equal, .notEqual, .like, .ilike, .isIn, .isNotIn,
    ]

    private static let numberComparators: Set<SearchFilter.Comparator> = [
        .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual,
    ]

    init(datasets: [DatasetReference]) { self.datasets = datasets }

    mutating func comparison(_ comparison: SearchFilter.Comparison) throws(FilterError) -> String {
        let key = comparison.identifier.key
        switch comparison.identifier.entity {
        case "metric", "metrics": return try metric(comparison)
        case "param", "params": return try exists("logged_model_param", comparison)
        case "tag", "tags": return try exists("logged_model_tag", comparison)
        case let word where Self.attributeWords.contains(word):
            if let column = Self.texts[key] {
                try requireText(comparison)
                return compare(column, comparison)
            }
            if let column = Self.numbers[key] {
                try requireNumber(comparison)
                return compare(column, comparison)
            }
            fallthrough
        default:
            throw FilterError(
                "Invalid attribute: a logged model has name, model_id, model_type, status, source_run_id, "
                    + "creation_timestamp, last_updated_timestamp, metrics, params and tags",
                at: comparison.offset
            )
        }
    }

    /// The terms of an order; a metric's latest value counts, and models without one come last.
    func order(_ order: [LoggedModelSearch.Order]) throws -> [SortTerm] {
        var terms: [SortTerm] = []
        for key in order {
            let identifier = key.order.identifier
            if identifier.entity == "metric" || identifier.entity == "metrics" {
                let (sql, arguments) = Self.latest(identifier.key, key.dataset)
                terms += SortTerm.missingLast(sql, arguments, isAscending: key.order.isAscending)
            } else if Self.attributeWords.contains(identifier.entity),
                let column = Self.texts[identifier.key] ?? Self.numbers[identifier.key]
            {
                terms.append(SortTerm(sql: column, isAscending: key.order.isAscending))
            } else {
                throw Failure(
                    .invalidParameter,
                    "Invalid order by field name: '\(identifier.key)'; use an attribute or metrics.KEY"
                )
            }
        }
        return terms + [SortTerm(sql: "l.created_at_ms", isAscending: false), SortTerm(sql: "l.model_id")]
    }

    private static func latest(_ key: String, _ dataset: DatasetReference?) -> (String, [SQLValue]) {
        var sql =
            "SELECT x.value FROM logged_model_metric x WHERE x.model_id = l.model_id AND x.key = ? AND x.is_nan = 0"
        var arguments: [SQLValue] = [.text(key)]
        if let dataset {
            if !dataset.name.isEmpty {
                sql += " AND x.dataset_name = ?"
                arguments.append(.text(dataset.name))
            }
            if let digest = dataset.digest {
                sql += " AND x.dataset_digest = ?"
                arguments.append(.text(digest))
            }
        }
        return ("(\(sql) ORDER BY x.timestamp_ms DESC, x.step DESC, x.value DESC LIMIT 1)", arguments)
    }

    private mutating func metric(_ comparison: SearchFilter.Comparison) throws(FilterError) -> String {
        try requireNumber(comparison)
        arguments.append(.text(comparison.identifier.key))
        var sql = "SELECT 1 FROM logged_model_metric x WHERE x.model_id = l.model_id AND x.key = ? AND "
        // NaN is unequal to everything and nothing else.
        let test = compare("x.value", comparison)
        sql += comparison.comparator == .notEqual ? "(x.is_nan = 1 OR \(test))" : "(x.is_nan = 0 AND \(test))"
        return "EXISTS (\(sql)\(onDatasets()))"
    }

    /// The condition that a model was measured on one of the data sets at all.
    mutating func measured() -> String {
        "EXISTS (SELECT 1 FROM logged_model_metric x WHERE x.model_id = l.model_id\(onDatasets()))"
    }

    /// Limits a metric `x` to the data sets.
    private mutating func onDatasets() -> String {
        var sets: [String] = []
        for dataset in datasets {
            arguments.append(.text(dataset.name))
            if let digest = dataset.digest {
                arguments.append(.text(digest))
                sets.append("(x.dataset_name = ? AND x.dataset_digest = ?)")
            } else {
                sets.append("x.dataset_name = ?")
            }
        }
        return sets.isEmpty ? "" : " AND (\(sets.joined(separator: " OR ")))"
    }

    private mutating func exists(
        _ table: String,
        _ comparison: SearchFilter.Comparison
    ) throws(FilterError) -> String {
        try requireText(comparison)
        arguments.append(.text(comparison.identifier.key))
        return "EXISTS (SELECT 1 FROM \(table) x WHERE x.model_id = l.model_id AND x.key = ? "
            + "AND \(compare("x.value", comparison)))"
    }

    private func requireText(_ comparison: SearchFilter.Comparison) throws(FilterError) {
        if case .number = comparison.value {
            throw FilterError("Expected a quoted string value", at: comparison.offset)
        }
        guard Self.textComparators.contains(comparison.comparator) else {
            throw FilterError("Invalid comparator '\(comparison.comparator.rawValue)'", at: comparison.offset)
        }
    }

    private func requireNumber(_ comparison: SearchFilter.Comparison) throws(FilterError) {
        guard case .number = comparison.value else {
            throw FilterError("Expected numeric value type", at: comparison.offset)
        }
        guard Self.numberComparators.contains(comparison.comparator) else {
            throw FilterError("Invalid comparator '\(comparison.comparator.rawValue)'", at: comparison.offset)
        }
    }
}
