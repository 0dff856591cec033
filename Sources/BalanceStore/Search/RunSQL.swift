import BalanceCore

/// Compiles a search over runs, whose table is `r` and whose experiment is `e`.
struct RunSQL: ConditionSQL {
    var arguments: [SQLValue] = []

    mutating func conditions(_ search: RunSearch) throws -> String {
        var conditions = ["1 = 1"]
        if let ids = search.experimentIDs {
            let places = repeatElement("?", count: ids.count).joined(separator: ", ")
            arguments += ids.map(SQLValue.integer)
            conditions.append("r.experiment_id IN (\(places))")
        }
        let view = search.query.view
        if view != .all { conditions.append("r.lifecycle_stage = '\(view == .activeOnly ? "active" : "deleted")'") }
        if let kind = search.kind {
            conditions.append("r.kind = ?")
            arguments.append(.text(kind))
        }
        if let isDirty = search.isDirty {
            conditions.append("COALESCE(r.git_dirty, 0) = ?")
            arguments.append(.integer(isDirty ? 1 : 0))
        }
        if !search.text.isEmpty { conditions.append(contains(search.text)) }
        if let filter = search.query.filter { conditions.append(try condition(filter)) }
        let visible = VisibleSQL.experiment("e.name")
        conditions.append(visible.condition)
        arguments += visible.arguments
        return conditions.joined(separator: " AND ")
    }

    /// That one of the texts that people know a run by has a text in it.
    private mutating func contains(_ text: String) -> String {
        let columns = ["run_id", "name", "run_dir_name", "note", "kind", "git_branch", "git_commit"]
        let matches = columns.map { "LOWER(COALESCE(r.\($0), '')) LIKE ? ESCAPE '\\'" }
        // SQLite's LOWER knows only the letters of ASCII, so no others may be changed here.
        let text = String(decoding: text.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
        // An id may be typed with its dashes, but is stored without.
        let patterns = Array(repeating: text, count: columns.count) + [text.filter { $0 != "-" }]
        arguments += patterns.map { .text(Self.pattern($0)) }
        return "(\((matches + [matches[0]]).joined(separator: " OR ")))"
    }

    private static func pattern(_ text: String) -> String {
        let escaped = text.map { "\\%_".contains($0) ? "\\\($0)" : String($0) }.joined()
        return "%\(escaped)%"
    }

    /// The newest first, and of those of one moment the one that was stored last.
    static let newestFirst = [
        SortTerm(sql: "r.start_time_ms", isAscending: false), SortTerm(sql: "r.seq", isAscending: false),
    ]

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
    func order(_ order: [SearchFilter.Order]) throws -> [SortTerm] {
        var terms: [SortTerm] = []
        // By bytes: two spellings of one character are two keys.
        var named: Set<[UInt8]> = []
        for key in order {
            let field: RunField
            do { field = try RunField(key.identifier) } catch { throw error.failure(in: key.identifier.key) }
            guard named.insert(Array("\(field)".utf8)).inserted else {
                throw Failure(.invalidParameter, "`order_by` contains duplicate fields: \(key.identifier.key)")
            }
            terms += try Self.terms(field, isAscending: key.isAscending)
        }
        if !named.contains(Array("\(RunField.number(.startTime))".utf8)) {
            terms.append(SortTerm(sql: "r.start_time_ms", isAscending: false))
        }
        return terms + [SortTerm(sql: "r.run_id")]
    }

    private static func terms(_ field: RunField, isAscending: Bool) throws -> [SortTerm] {
        switch field {
        case .metric(let key):
            let nan = "CASE \(metric("is_nan")) WHEN 0 THEN 0 WHEN 1 THEN 1 ELSE 2 END"
            let value = metric("value")
            return [
                SortTerm(sql: nan, arguments: [.text(key)]),
                SortTerm(sql: value, arguments: [.text(key)], isAscending: isAscending),
            ]
        case .param(let key):
            return SortTerm.missingLast(lookUp("param", "value"), [.text(key)], isAscending: isAscending)
        case .tag(let key):
            return SortTerm.missingLast(lookUp("tag", "value"), [.text(key)], isAscending: isAscending)
        case .text(let attribute): return SortTerm.missingLast(column(attribute), isAscending: isAscending)
        case .number(let attribute): return SortTerm.missingLast(column(attribute), isAscending: isAscending)
        case .dataset: throw Failure(.invalidParameter, "Invalid order_by: runs cannot be sorted by datasets")
        }
    }

    /// The same search along the index of the metric that it is sorted by first, or nil where it is sorted otherwise.
    ///
    /// It finds the runs whose value is a real number alone; whoever finds too few asks the whole search.
    static func along(_ order: [SearchFilter.Order], _ search: PagedSQL) -> PagedSQL? {
        guard let first = order.first, case .metric(let key)? = try? RunField(first.identifier), search.order.count > 2
        else { return nil }
        var quick = search
        quick.identity = search.fingerprint
        quick.source =
            "latest_metric m JOIN run r ON r.seq = m.run_seq JOIN experiment e ON e.experiment_id = r.experiment_id"
        quick.condition = "m.key_id = \(RunRows.keyNumber) AND m.is_nan = 0 AND \(search.condition)"
        quick.arguments = [.text(key)] + search.arguments
        quick.order[0] = SortTerm(sql: "m.is_nan")
        quick.order[1] = SortTerm(sql: "m.value", isAscending: first.isAscending)
        return quick
    }

    private static func lookUp(_ table: String, _ column: String) -> String {
        "(SELECT x.\(column) FROM \(table) x WHERE x.run_seq = r.seq AND x.key = ?)"
    }

    private static func metric(_ column: String) -> String {
        "(SELECT x.\(column) FROM latest_metric x WHERE x.run_seq = r.seq AND x.key_id = \(RunRows.keyNumber))"
    }

    private mutating func metric(_ key: String, _ comparison: SearchFilter.Comparison) -> String {
        arguments.append(.text(key))
        let test = compare("x.value", comparison)
        // NaN is unequal to everything and nothing else.
        let isNaN = comparison.comparator == .notEqual ? "(x.is_nan = 1 OR \(test))" : "(x.is_nan = 0 AND \(test))"
        // What is unequal to a value is nearly everything; all else is a part of an index.
        if comparison.comparator == .notEqual {
            return "EXISTS (SELECT 1 FROM latest_metric x WHERE x.run_seq = r.seq AND x.key_id = \(RunRows.keyNumber) "
                + "AND \(isNaN))"
        }
        return "r.seq IN (SELECT x.run_seq FROM latest_metric x WHERE x.key_id = \(RunRows.keyNumber) AND \(isNaN))"
    }

    private mutating func exists(_ table: String, _ key: String, _ comparison: SearchFilter.Comparison) -> String {
        arguments.append(.text(key))
        let row = "SELECT 1 FROM \(table) x WHERE x.run_seq = r.seq AND x.key = ?"
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
