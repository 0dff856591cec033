import Crypto
package import Foundation

/// SHA-256 of bytes and of JSON, in hex.
package enum ContentHash {
    package static func of(_ bytes: some DataProtocol) -> String { SHA256.hash(data: bytes).hexadecimal }

    /// The hash of a value's canonical text, which does not depend on the order of members.
    package static func of(_ value: JSONValue) -> String { of(value.canonical.bytes()) }
}

extension JSONValue {
    /// The same value with the members of each object sorted by their UTF-16 code units, and non-finite numbers as texts.
    ///
    /// Written on one line it is what RFC 8785 asks for, but for numbers, which are Swift's shortest decimals.
    package var canonical: JSONValue {
        switch self {
        case .array(let elements): .array(elements.map(\.canonical))
        case .object(let members):
            .object(
                members.map { ($0.0, $0.1.canonical) }.sorted { $0.0.utf16.lexicographicallyPrecedes($1.0.utf16) }
            )
        case .double(let number): .finite(number)
        default: self
        }
    }

    /// A number; one that JSON has no form for as `NaN`, `Infinity` or `-Infinity` in a text.
    package static func finite(_ number: Double) -> JSONValue {
        if number.isFinite { return .double(number) }
        return .string(number.isNaN ? "NaN" : number > 0 ? "Infinity" : "-Infinity")
    }

    /// A number, also one that stands in a text because JSON has no form for it; nil for anything else.
    package var anyNumber: Double? {
        if let number { return number }
        switch string {
        case "NaN": return .nan
        case "Infinity": return .infinity
        case "-Infinity": return -.infinity
        default: return nil
        }
    }
}
