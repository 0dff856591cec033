import BalanceCore

/// Compiles a search over experiments.
struct ExperimentSQL: ConditionSQL {
    var arguments: [SQLValue] = []

    private static let attributes: Set<String> = ["", "attribute", "attributes", "attr", "experiment"]
    private static let columns = [
        "name": "name", "experiment_id": "experiment_id", "creation_time": "created_at_ms",
        "last_update_time": "updated_at_ms",
    ]
    private static let texts: Set<SearchFilter.Comparator> = [.equal, .notEqual, .like, .ilike]

    mutating func comparison(_ comparison: SearchFilter.Comparison) throws(FilterError) -> String {
        let identifier = comparison.identifier
        if identifier.entity == "tag" || identifier.entity == "tags" { return try tag(comparison) }
        guard Self.attributes.contains(identifier.entity), let column = Self.columns[identifier.key] else {
            throw FilterError(
                "an experiment has name, experiment_id, creation_time, last_update_time and tags",
                at: comparison.offset
            )
        }
        switch (identifier.key, comparison.value) {
        case ("name", .text) where Self.texts.contains(comparison.comparator): return compare(column, comparison)
        case ("experiment_id", .text), ("experiment_id", .list): return compare("CAST(\(column) AS TEXT)", comparison)
        case ("creation_time", .number), ("last_update_time", .number): return compare(column, comparison)
        default: throw FilterError("this comparison does not fit '\(identifier.key)'", at: comparison.offset)
        }
    }

    mutating func order(_ order: [SearchFilter.Order]) throws -> String {
        var terms: [String] = []
        for key in order {
            guard Self.attributes.contains(key.identifier.entity), let column = Self.columns[key.identifier.key] else {
                throw Failure(
                    .invalidParameter,
                    "Invalid order_by: '\(key.identifier.key)' is no attribute of an experiment"
                )
            }
            terms.append("\(column) \(key.isAscending ? "ASC" : "DESC")")
        }
        if terms.isEmpty { return "created_at_ms DESC, experiment_id ASC" }
        return (terms + ["experiment_id DESC"]).joined(separator: ", ")
    }

    private mutating func tag(_ comparison: SearchFilter.Comparison) throws(FilterError) -> String {
        arguments.append(.text(comparison.identifier.key))
        let row = "SELECT 1 FROM experiment_tag x WHERE x.experiment_id = experiment.experiment_id AND x.key = ?"
        switch (comparison.comparator, comparison.value) {
        case (.isNull, _): return "NOT EXISTS (\(row))"
        case (.isNotNull, _): return "EXISTS (\(row))"
        case (let comparator, .text) where Self.texts.contains(comparator):
            return "EXISTS (\(row) AND \(compare("x.value", comparison)))"
        default: throw FilterError("this comparison does not fit a tag", at: comparison.offset)
        }
    }
}
