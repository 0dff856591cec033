/// A JSON value whose objects keep the order of their members.
///
/// Numbers without a fraction or exponent that fit into 64 bits are ``int(_:)``; all others are ``double(_:)``.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([(String, JSONValue)])

    /// The value of a member of an object, or nil; the last one where a key stands twice, as in Python.
    package subscript(_ key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.0.utf8.count == key.utf8.count && $0.0.utf8.elementsEqual(key.utf8) }?.1
    }

    /// The text of a string, or nil.
    package var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The value of any number, or nil.
    package var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The value of an integer, or nil.
    package var integer: Int? {
        if case .int(let value) = self { value } else { nil }
    }

    /// The value of a boolean, or nil.
    package var boolean: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The elements of an array, or nil.
    package var elements: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    /// The members of an object in their order, or nil.
    package var members: [(String, JSONValue)]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// Whether this is `null`.
    package var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// A string, or `null` for nil.
    package static func optional(_ text: String?) -> JSONValue {
        text.map(JSONValue.string) ?? .null
    }

    package static func optional(_ number: Int?) -> JSONValue {
        number.map(JSONValue.int) ?? .null
    }

    /// An array of numbers.
    package static func numbers(_ values: some Sequence<Double>) -> JSONValue {
        .array(values.map(JSONValue.double))
    }

    /// An array of strings.
    package static func strings(_ values: some Sequence<String>) -> JSONValue {
        .array(values.map(JSONValue.string))
    }

    /// The elements of an array of numbers, or nil where one of them is not a number.
    package var numbers: [Double]? {
        guard let elements else { return nil }
        let numbers = elements.compactMap(\.number)
        return numbers.count == elements.count ? numbers : nil
    }

    /// The elements of an array of strings, or nil where one of them is not a string.
    package var strings: [String]? {
        guard let elements else { return nil }
        let strings = elements.compactMap(\.string)
        return strings.count == elements.count ? strings : nil
    }
}

extension JSONValue: Equatable {
    package static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)):
            left.count == right.count && left.allSatisfy { key, value in JSONValue.object(right)[key] == value }
        default: left.number != nil && left.number == right.number
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self = .string(text) }
}
