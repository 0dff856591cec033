import BalanceCore

/// What can be asked of one kind of thing in a search: its attributes and its tags.
struct SearchableEntity: Sendable {
    /// An attribute, by the values that it is compared with.
    enum Attribute: Sendable {
        /// Compared as a text with `= != LIKE ILIKE`, and with lists where `inLists` says so.
        case text(column: String, inLists: Bool)
        /// Compared as the digits of an integer with `= !=` and lists.
        case identifier(column: String)
        /// Compared as a number; where `quoted` says so also as its digits in quotes.
        case number(column: String, quoted: Bool)
    }

    /// Its name in messages, as `an experiment`.
    var noun: String
    var attributes: [String: Attribute]
    /// The columns that can be sorted by.
    var sortable: [String: String]
    /// Finds a tag of the row, with a placeholder for the key; its value is `x.value`.
    var tagRow: String
    /// Whether `IS NULL` and `IS NOT NULL` may ask for a tag.
    var asksForMissingTags: Bool
    /// The order where none is asked for.
    var defaultOrder: [SortTerm]
    /// What follows an order that was asked for.
    var ties: [SortTerm]

    static let experiment = SearchableEntity(
        noun: "an experiment",
        attributes: [
            "name": .text(column: "e.name", inLists: false), "experiment_id": .identifier(column: "e.experiment_id"),
            "creation_time": .number(column: "e.created_at_ms", quoted: false),
            "last_update_time": .number(column: "e.updated_at_ms", quoted: false),
        ],
        sortable: [
            "name": "e.name", "experiment_id": "e.experiment_id", "creation_time": "e.created_at_ms",
            "last_update_time": "e.updated_at_ms",
        ],
        tagRow: "SELECT 1 FROM experiment_tag x WHERE x.experiment_id = e.experiment_id AND x.key = ?",
        asksForMissingTags: true,
        defaultOrder: [SortTerm(sql: "e.created_at_ms", isAscending: false), SortTerm(sql: "e.experiment_id")],
        ties: [SortTerm(sql: "e.experiment_id", isAscending: false)]
    )

    static let model = SearchableEntity(
        noun: "a registered model",
        attributes: ["name": .text(column: "m.name", inLists: true)],
        sortable: [
            "name": "m.name", "timestamp": "m.updated_at_ms", "last_updated_timestamp": "m.updated_at_ms",
        ],
        tagRow: "SELECT 1 FROM registered_model_tag x WHERE x.name = m.name AND x.key = ?",
        asksForMissingTags: false,
        defaultOrder: [SortTerm(sql: "m.name")],
        ties: [SortTerm(sql: "m.name")]
    )

    static let version = SearchableEntity(
        noun: "a model version",
        attributes: [
            "name": .text(column: "v.name", inLists: true),
            "run_id": .text(column: "COALESCE(v.run_id, '')", inLists: true),
            "source_path": .text(column: "COALESCE(v.source, '')", inLists: false),
            "version_number": .number(column: "v.version", quoted: true),
        ],
        sortable: [
            "name": "v.name", "version_number": "v.version", "creation_timestamp": "v.created_at_ms",
            "last_updated_timestamp": "COALESCE(v.updated_at_ms, v.created_at_ms)",
        ],
        tagRow: "SELECT 1 FROM model_version_tag x WHERE x.name = v.name AND x.version = v.version AND x.key = ?",
        asksForMissingTags: false,
        defaultOrder: [
            SortTerm(sql: "COALESCE(v.updated_at_ms, v.created_at_ms)", isAscending: false), SortTerm(sql: "v.name"),
            SortTerm(sql: "v.version", isAscending: false),
        ],
        ties: [SortTerm(sql: "v.name"), SortTerm(sql: "v.version", isAscending: false)]
    )
}

/// Compiles a search over one kind of thing.
struct EntitySQL: ConditionSQL {
    let entity: SearchableEntity
    var arguments: [SQLValue] = []

    private static let attributeWords: Set<String> = ["", "attribute", "attributes", "attr"]
    private static let texts: Set<SearchFilter.Comparator> = [.equal, .notEqual, .like, .ilike]
    private static let lists: Set<SearchFilter.Comparator> = [.isIn, .isNotIn]
    private static let numbers: Set<SearchFilter.Comparator> = [
        .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual,
    ]

    init(_ entity: SearchableEntity) { self.entity = entity }

    mutating func comparison(_ comparison: SearchFilter.Comparison) throws(FilterError) -> String {
        let identifier = comparison.identifier
        if identifier.entity == "tag" || identifier.entity == "tags" { return try tag(comparison) }
        guard Self.attributeWords.contains(identifier.entity), let attribute = entity.attributes[identifier.key] else {
            let known = entity.attributes.keys.sorted().joined(separator: ", ")
            throw FilterError("Invalid attribute key: \(entity.noun) has \(known) and tags", at: comparison.offset)
        }
        let comparator = comparison.comparator
        switch (attribute, comparison.value) {
        case (.text(let column, _), .text) where Self.texts.contains(comparator): return compare(column, comparison)
        case (.text(let column, true), .list) where Self.lists.contains(comparator): return compare(column, comparison)
        case (.identifier(let column), .text(let text)) where comparator == .equal || comparator == .notEqual:
            try requireInteger(text, comparison)
            return compare("CAST(\(column) AS TEXT)", comparison)
        case (.identifier(let column), .list(let texts)) where Self.lists.contains(comparator):
            for text in texts { try requireInteger(text, comparison) }
            return compare("CAST(\(column) AS TEXT)", comparison)
        case (.number(let column, _), .number(let number)) where Self.numbers.contains(comparator):
            guard Int(exactly: number) != nil else {
                throw FilterError("'\(identifier.key)' must be compared with an integer", at: comparison.offset)
            }
            return compare(column, comparison)
        case (.number(let column, true), .text(let text)) where Self.numbers.contains(comparator):
            try requireInteger(text, comparison)
            arguments.append(.integer(Int(text) ?? 0))
            return "\(column) \(comparator.rawValue) ?"
        default:
            throw FilterError(
                "Invalid comparator for attribute '\(identifier.key)': \(comparison.comparator.rawValue), or a value of the wrong type",
                at: comparison.offset
            )
        }
    }

    /// The terms of an order.
    func order(_ order: [SearchFilter.Order]) throws -> [SortTerm] {
        var terms: [SortTerm] = []
        var named: Set<String> = []
        for key in order {
            let name = key.identifier.key
            guard Self.attributeWords.contains(key.identifier.entity), let column = entity.sortable[name] else {
                let known = entity.sortable.keys.sorted().joined(separator: ", ")
                throw Failure(.invalidParameter, "Invalid order by key '\(name)': \(entity.noun) is sorted by \(known)")
            }
            guard named.insert(column).inserted else {
                throw Failure(.invalidParameter, "`order_by` contains duplicate fields: \(name)")
            }
            terms.append(SortTerm(sql: column, isAscending: key.isAscending))
        }
        if terms.isEmpty { return entity.defaultOrder }
        return terms + entity.ties.filter { !named.contains($0.sql) }
    }

    private mutating func tag(_ comparison: SearchFilter.Comparison) throws(FilterError) -> String {
        arguments.append(.text(comparison.identifier.key))
        switch (comparison.comparator, comparison.value) {
        case (.isNull, _) where entity.asksForMissingTags: return "NOT EXISTS (\(entity.tagRow))"
        case (.isNotNull, _) where entity.asksForMissingTags: return "EXISTS (\(entity.tagRow))"
        case (.notEqual, .text(let text)) where comparison.identifier.key == promptTag:
            // The client always asks for models that are no prompts, which do not have this tag at all.
            arguments.append(.text(text))
            return "NOT EXISTS (\(entity.tagRow) AND x.value = ?)"
        case (let comparator, .text) where Self.texts.contains(comparator):
            return "EXISTS (\(entity.tagRow) AND \(compare("x.value", comparison)))"
        default:
            throw FilterError("Invalid comparator for tag: \(comparison.comparator.rawValue)", at: comparison.offset)
        }
    }

    private func requireInteger(_ text: String, _ comparison: SearchFilter.Comparison) throws(FilterError) {
        guard Int(text) != nil else {
            throw FilterError("'\(comparison.identifier.key)' must be compared with an integer", at: comparison.offset)
        }
    }
}

extension SearchFilter {
    /// Whether a clause names this tag.
    func mentions(tag key: String) -> Bool {
        switch self {
        case .comparison(let comparison):
            comparison.identifier.key == key && ["tag", "tags"].contains(comparison.identifier.entity)
        case .and(let parts), .or(let parts): parts.contains { $0.mentions(tag: key) }
        case .not(let part): part.mentions(tag: key)
        }
    }
}
