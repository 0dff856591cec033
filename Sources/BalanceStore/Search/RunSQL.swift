import BalanceCore

/// Compiles a search over runs, whose table is `r` and whose experiment is `e`.
struct RunSQL: ConditionSQL {
    var arguments: [SQLValue] = []

    mutating func conditions(_ search: RunSearch) throws -> String {
        let places = repeatElement("?", count: search.experimentIDs.count).joined(separator: ", ")
        arguments += search.experimentIDs.map(SQLValue.integer)
        var conditions = ["r.experiment_id IN (\(places))"]
        if search.view != .all {
            conditions.append("r.lifecycle_stage = '\(search.view == .activeOnly ? "active" : "deleted")'")
        }
        if let filter = search.filter { conditions.append(try condition(filter)) }
        return conditions.joined(separator: " AND ")
    }

    /// A missing key never matches, whatever the comparator; only IS NULL and IS NOT NULL ask whether it is there.
    mutating func comparison(_ comparison: SearchFilter.Comparison) throws(FilterError) -> String {
        let field: RunField
        do {
            field = try RunField(comparison.identifier)
        } catch {
            throw FilterError(error.message, at: comparison.offset)
        }
        try field.check(comparison)
        switch field {
        case .metric(let key): return metric(key, comparison)
        case .param(let key): return exists("param", key, comparison)
        case .tag(let key): return exists("tag", key, comparison)
        case .text(let attribute): return compare(Self.column(attribute), comparison)
        case .number(let attribute): return compare(Self.column(attribute), comparison)
        case .dataset(let attribute): return dataset(attribute, comparison)
        }
    }

    private mutating func dataset(
        _ attribute: RunField.DatasetAttribute,
        _ comparison: SearchFilter.Comparison
    ) -> String {
        let column = attribute == .context ? "i.context" : "d.\(attribute.rawValue)"
        return "EXISTS (SELECT 1 FROM run_input i JOIN dataset d ON d.dataset_id = i.dataset_id "
            + "WHERE i.run_id = r.run_id AND \(compare(column, comparison)))"
    }

    /// Real values first, then NaN, then missing ones, in both directions; then the newest, then by id.
    mutating func order(_ order: [SearchFilter.Order]) throws -> String {
        var terms: [String] = []
        var named: Set<RunField> = []
        for key in order {
            let field: RunField
            do { field = try RunField(key.identifier) } catch { throw error.failure(in: key.identifier.key) }
            guard named.insert(field).inserted else {
                throw Failure(.invalidParameter, "`order_by` contains duplicate fields: \(key.identifier.key)")
            }
            let direction = key.isAscending ? "ASC" : "DESC"
            switch field {
            case .metric(let name):
                let nan = lookUp("latest_metric", "is_nan", name)
                let value = lookUp("latest_metric", "value", name)
                terms += ["CASE \(nan) WHEN 0 THEN 0 WHEN 1 THEN 1 ELSE 2 END", "\(value) \(direction)"]
            case .param(let name):
                terms += missingLast(lookUp("param", "value", name), lookUp("param", "value", name), direction)
            case .tag(let name):
                terms += missingLast(lookUp("tag", "value", name), lookUp("tag", "value", name), direction)
            case .text(let attribute):
                terms += missingLast(Self.column(attribute), Self.column(attribute), direction)
            case .number(let attribute):
                terms += missingLast(Self.column(attribute), Self.column(attribute), direction)
            case .dataset: throw Failure(.invalidParameter, "Invalid order_by: runs cannot be sorted by datasets")
            }
        }
        if !named.contains(.number(.startTime)) { terms.append("r.start_time_ms DESC") }
        return (terms + ["r.run_id ASC"]).joined(separator: ", ")
    }

    private func missingLast(_ test: String, _ value: String, _ direction: String) -> [String] {
        ["CASE WHEN \(test) IS NULL THEN 1 ELSE 0 END", "\(value) \(direction)"]
    }

    private mutating func lookUp(_ table: String, _ column: String, _ key: String) -> String {
        arguments.append(.text(key))
        return "(SELECT x.\(column) FROM \(table) x WHERE x.run_id = r.run_id AND x.key = ?)"
    }

    private mutating func metric(_ key: String, _ comparison: SearchFilter.Comparison) -> String {
        arguments.append(.text(key))
        let test = compare("x.value", comparison)
        // NaN is unequal to everything and nothing else.
        let isNaN = comparison.comparator == .notEqual ? "(x.is_nan = 1 OR \(test))" : "(x.is_nan = 0 AND \(test))"
        return "EXISTS (SELECT 1 FROM latest_metric x WHERE x.run_id = r.run_id AND x.key = ? AND \(isNaN))"
    }

    private mutating func exists(_ table: String, _ key: String, _ comparison: SearchFilter.Comparison) -> String {
        arguments.append(.text(key))
        let row = "SELECT 1 FROM \(table) x WHERE x.run_id = r.run_id AND x.key = ?"
        switch comparison.comparator {
        case .isNull: return "NOT EXISTS (\(row))"
        case .isNotNull: return "EXISTS (\(row))"
        default: return "EXISTS (\(row) AND \(compare("x.value", comparison)))"
        }
    }

    private static func column(_ attribute: RunField.TextAttribute) -> String {
        switch attribute {
        case .runID: "r.run_id"
        case .name: "r.name"
        case .status: "r.status"
        case .userID: "r.user_id"
        case .artifactURI:
            "(COALESCE(e.artifact_location, 'mlflow-artifacts:/' || e.experiment_id) || '/' || r.run_id || '/artifacts')"
        }
    }

    private static func column(_ attribute: RunField.NumberAttribute) -> String {
        switch attribute {
        case .startTime: "r.start_time_ms"
        case .endTime: "r.end_time_ms"
        }
    }
}
