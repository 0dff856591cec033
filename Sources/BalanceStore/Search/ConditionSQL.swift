import BalanceCore

/// What the compilers of filters share: placeholders with their values, and comparisons.
protocol ConditionSQL {
    var arguments: [SQLValue] { get set }
    /// The SQL of one comparison.
    mutating func comparison(_ comparison: SearchFilter.Comparison) throws(FilterError) -> String
}

extension ConditionSQL {
    /// The SQL of a filter; every value is bound.
    mutating func condition(_ filter: SearchFilter) throws(FilterError) -> String {
        switch filter {
        case .comparison(let comparison): return try self.comparison(comparison)
        case .and(let parts): return try joined(parts, " AND ")
        case .or(let parts): return try joined(parts, " OR ")
        case .not(let part): return "NOT (\(try condition(part)))"
        }
    }

    private mutating func joined(_ parts: [SearchFilter], _ word: String) throws(FilterError) -> String {
        var texts: [String] = []
        for part in parts { texts.append(try condition(part)) }
        return "(\(texts.joined(separator: word)))"
    }

    /// `column comparator ?`, with the value bound.
    mutating func compare(_ column: String, _ comparison: SearchFilter.Comparison) -> String {
        switch comparison.value {
        case .text(let text): return compare(column, comparison.comparator, text)
        case .number(let number):
            arguments.append(.real(number))
            return "\(column) \(comparison.comparator.rawValue) ?"
        case .list(let texts):
            arguments += texts.map(SQLValue.text)
            let places = repeatElement("?", count: texts.count).joined(separator: ", ")
            return "\(column) \(comparison.comparator.rawValue) (\(places))"
        case .none: return "\(column) \(comparison.comparator.rawValue)"
        }
    }

    /// LIKE tells upper from lower case and has no escape character; GLOB does so in SQLite, with other signs.
    private mutating func compare(
        _ column: String,
        _ comparator: SearchFilter.Comparator,
        _ text: String
    ) -> String {
        switch comparator {
        case .like:
            arguments.append(.text(Self.glob(text)))
            return "\(column) GLOB ?"
        case .ilike:
            arguments.append(.text(text))
            return "LOWER(\(column)) LIKE LOWER(?)"
        default:
            arguments.append(.text(text))
            return "\(column) \(comparator.rawValue) ?"
        }
    }

    private static func glob(_ pattern: String) -> String {
        pattern.unicodeScalars.map { scalar in
            switch scalar {
            case "%": "*"
            case "_": "?"
            case "*", "?", "[": "[\(scalar)]"
            default: String(scalar)
            }
        }.joined()
    }
}
