extension SearchFilter {
    /// How much of the language a text may use.
    package enum Dialect: Sendable {
        /// Clauses joined by AND, as MLflow's routes take them.
        case mlflow
        /// Also OR, NOT and parentheses.
        case extended
    }

    /// Reads a filter; nil for a text without one.
    ///
    /// ```
    /// filter     = disjunction
    /// disjunction = conjunction ("OR" conjunction)*            extended
    /// conjunction = term ("AND" term)*
    /// term       = "NOT" term | "(" filter ")" | comparison     the first two: extended
    /// comparison = identifier (comparator value | "IS" ["NOT"] "NULL" | ["NOT"] "IN" "(" text ("," text)* ")")
    /// identifier = [entity "."] key                             key may hold dots, or stand in quotes
    /// ```
    ///
    /// - Throws: ``FilterError`` that names the place.
    package static func parse(_ text: String, dialect: Dialect) throws(FilterError) -> SearchFilter? {
        guard text.utf8.count <= 100_000 else {
            throw FilterError("the filter is longer than 100 000 bytes", at: 100_000)
        }
        let tokens = try FilterLexer.tokens(text)
        if tokens.isEmpty { return nil }
        var parser = FilterParser(tokens: tokens, end: text.utf8.count, dialect: dialect)
        return try parser.whole()
    }

    /// A key to sort by.
    package struct Order: Sendable, Hashable {
        package var identifier: Identifier
        package var isAscending: Bool

        package init(identifier: Identifier, isAscending: Bool) {
            self.identifier = identifier
            self.isAscending = isAscending
        }
    }

    /// Reads `identifier [ASC|DESC]`.
    package static func parseOrder(_ text: String) throws(FilterError) -> Order {
        let tokens = try FilterLexer.tokens(text)
        var parser = FilterParser(tokens: tokens, end: text.utf8.count, dialect: .mlflow)
        return try parser.order()
    }
}

private struct FilterParser {
    let tokens: [FilterToken]
    let end: Int
    let dialect: SearchFilter.Dialect
    var position = 0
    /// How deep parentheses and NOT nest; bounded, so that no text can use up the stack.
    var depth = 0
    var clauses = 0

    init(tokens: [FilterToken], end: Int, dialect: SearchFilter.Dialect) {
        self.tokens = tokens
        self.end = end
        self.dialect = dialect
    }

    mutating func whole() throws(FilterError) -> SearchFilter {
        let filter = try disjunction()
        if let token = peek { throw unexpected(token) }
        return filter
    }

    mutating func order() throws(FilterError) -> SearchFilter.Order {
        let identifier = try identifier()
        var isAscending = true
        if let word = peek?.keyword, word == "ASC" || word == "DESC" {
            isAscending = word == "ASC"
            position += 1
        }
        if let token = peek { throw unexpected(token) }
        return SearchFilter.Order(identifier: identifier, isAscending: isAscending)
    }

    private mutating func disjunction() throws(FilterError) -> SearchFilter {
        var parts = [try conjunction()]
        while dialect == .extended, takeKeyword("OR") { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : .or(parts)
    }

    private mutating func conjunction() throws(FilterError) -> SearchFilter {
        var parts = [try term()]
        while takeKeyword("AND") { parts.append(try term()) }
        return parts.count == 1 ? parts[0] : .and(parts)
    }

    private mutating func term() throws(FilterError) -> SearchFilter {
        guard dialect == .extended else { return try comparison() }
        depth += 1
        defer { depth -= 1 }
        guard depth <= 64 else { throw FilterError("nested deeper than 64 levels", at: peek?.offset ?? end) }
        if takeKeyword("NOT") { return .not(try term()) }
        if case .open? = peek?.kind {
            position += 1
            let filter = try disjunction()
            guard case .close? = peek?.kind else { throw FilterError("expected ')'", at: peek?.offset ?? end) }
            position += 1
            return filter
        }
        return try comparison()
    }

    private mutating func comparison() throws(FilterError) -> SearchFilter {
        clauses += 1
        let offset = peek?.offset ?? end
        guard clauses <= 200 else { throw FilterError("more than 200 clauses", at: offset) }
        let identifier = try identifier()
        let (comparator, value) = try condition()
        return .comparison(.init(identifier: identifier, comparator: comparator, value: value, offset: offset))
    }

    private mutating func condition() throws(FilterError) -> (SearchFilter.Comparator, SearchFilter.Value) {
        guard let token = peek else { throw FilterError("expected a comparator", at: end) }
        position += 1
        if case .comparator(let text) = token.kind, let comparator = SearchFilter.Comparator(rawValue: text) {
            return (comparator, try value())
        }
        switch token.keyword {
        case "LIKE": return (.like, try pattern())
        case "ILIKE": return (.ilike, try pattern())
        case "IN": return (.isIn, try list())
        case "NOT" where takeKeyword("IN"): return (.isNotIn, try list())
        case "IS" where takeKeyword("NULL"): return (.isNull, .none)
        case "IS" where takeKeyword("NOT"):
            guard takeKeyword("NULL") else { throw FilterError("expected NULL", at: peek?.offset ?? end) }
            return (.isNotNull, .none)
        default: throw FilterError("expected a comparator", at: token.offset)
        }
    }

    /// A value that is no longer than databases take patterns to be.
    private mutating func pattern() throws(FilterError) -> SearchFilter.Value {
        let offset = peek?.offset ?? end
        let value = try value()
        if case .text(let text) = value, text.utf8.count > 10_000 {
            throw FilterError("the pattern is longer than 10 000 bytes", at: offset)
        }
        return value
    }

    private mutating func value() throws(FilterError) -> SearchFilter.Value {
        guard let token = peek else { throw FilterError("expected a value", at: end) }
        position += 1
        switch token.kind {
        case .number(let number): return .number(number)
        case .quoted(let text, let quote) where quote != "`": return .text(text)
        default: throw FilterError("Expected a number or a quoted string value", at: token.offset)
        }
    }

    private mutating func list() throws(FilterError) -> SearchFilter.Value {
        guard case .open? = peek?.kind else { throw FilterError("expected '('", at: peek?.offset ?? end) }
        position += 1
        var texts: [String] = []
        while true {
            guard case .text(let text) = try value() else {
                throw FilterError("Expected a quoted string value", at: tokens[position - 1].offset)
            }
            texts.append(text)
            guard let token = peek else { throw FilterError("expected ')'", at: end) }
            position += 1
            if case .close = token.kind { return .list(texts) }
            guard case .comma = token.kind else { throw FilterError("expected ',' or ')'", at: token.offset) }
            // A Python tuple of one has a comma before its end.
            if case .close? = peek?.kind {
                position += 1
                return .list(texts)
            }
        }
    }

    /// The text before the first dot is the entity, everything behind it the key, further dots included.
    private mutating func identifier() throws(FilterError) -> SearchFilter.Identifier {
        var parts = [try part()]
        while case .dot? = peek?.kind, peek?.isSpaced == false {
            position += 1
            if let token = peek, token.isSpaced { throw unexpected(token) }
            parts.append(try part())
        }
        if parts.count == 1 { return .init(entity: "", key: parts[0]) }
        return .init(entity: parts[0], key: parts.dropFirst().joined(separator: "."))
    }

    private mutating func part() throws(FilterError) -> String {
        guard let token = peek else { throw FilterError("expected an identifier", at: end) }
        position += 1
        switch token.kind {
        case .word(let text): return text
        case .quoted(let text, _) where !text.isEmpty: return text
        case .number where position > 1 && tokens[position - 2].kind == .dot: return try numberedPart(token)
        default: throw FilterError("expected an identifier", at: token.offset)
        }
    }

    /// A key such as `0` or `1e3` behind a dot reads as a number; its text must be taken from there.
    private func numberedPart(_ token: FilterToken) throws(FilterError) -> String {
        guard case .number(let number) = token.kind, let whole = Int(exactly: number) else {
            throw FilterError("a key that starts with a digit must be quoted", at: token.offset)
        }
        return String(whole)
    }

    private mutating func takeKeyword(_ word: String) -> Bool {
        guard peek?.keyword == word else { return false }
        position += 1
        return true
    }

    private var peek: FilterToken? { position < tokens.count ? tokens[position] : nil }

    private func unexpected(_ token: FilterToken) -> FilterError {
        let hint =
            dialect == .mlflow && (token.keyword == "OR" || token.kind == .open)
            ? ": clauses are joined by AND only" : ""
        return FilterError("unexpected text\(hint)", at: token.offset)
    }
}
