/// A filter as it was written, checked for its form and not yet for its meaning.
package indirect enum SearchFilter: Sendable, Equatable {
    case comparison(Comparison)
    case and([SearchFilter])
    case or([SearchFilter])
    case not(SearchFilter)

    /// `identifier comparator value`.
    package struct Comparison: Sendable, Equatable {
        package var identifier: Identifier
        package var comparator: Comparator
        package var value: Value
        /// The offset of the identifier in the text, in bytes.
        package var offset: Int

        package init(identifier: Identifier, comparator: Comparator, value: Value, offset: Int = 0) {
            self.identifier = identifier
            self.comparator = comparator
            self.value = value
            self.offset = offset
        }
    }

    /// `entity.key`, or a bare key, whose entity is empty.
    package struct Identifier: Sendable, Hashable {
        package var entity: String
        package var key: String

        package init(entity: String, key: String) {
            self.entity = entity
            self.key = key
        }
    }

    /// What stands between identifier and value.
    package enum Comparator: String, Sendable {
        case equal = "="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case like = "LIKE"
        case ilike = "ILIKE"
        case isIn = "IN"
        case isNotIn = "NOT IN"
        case isNull = "IS NULL"
        case isNotNull = "IS NOT NULL"
    }

    /// What is compared with.
    package enum Value: Sendable, Equatable {
        case none
        case text(String)
        case number(Double)
        case list([String])
    }
}

/// Why a filter or an order cannot be understood, and at which byte.
package struct FilterError: Error, Sendable {
    package var message: String
    package var offset: Int

    package init(_ message: String, at offset: Int) {
        self.message = message
        self.offset = offset
    }

    /// The failure that a caller is told.
    package func failure(in text: String) -> Failure {
        let before = String(decoding: Array(text.utf8).prefix(offset), as: UTF8.self)
        let place = String(before.suffix(20)) + "⟨here⟩" + String(text.dropFirst(before.count).prefix(20))
        return Failure(
            .invalidParameter,
            "Invalid clause(s) in filter string: \(message) at position \(offset): …\(place)…"
        )
    }
}
