/// The identity of a run.
///
/// New runs have a random UUID. It is stored and sent to MLflow clients as 32 lowercase hex digits, and written with
/// dashes in the native API and in file names. Databases of the original may hold other texts; they are kept as they are.
package struct RunID: Sendable, Hashable, CustomStringConvertible {
    /// The stored form: 32 lowercase hex digits, or the original's own text.
    package let stored: String

    /// The identity that a stored text stands for.
    package init(stored: String) { self.stored = stored }

    /// The identity that a text of the native API stands for: with dashes, without, or one of the original's.
    package init(native text: String) {
        let digits = text.utf8.filter { $0 != UInt8(ascii: "-") }
        let isDashed = text.utf8.count == 36 && Self.dashed(String(decoding: digits, as: UTF8.self)) == text
        stored = isDashed ? String(decoding: digits, as: UTF8.self) : text
    }

    /// The form of the native API and of file names.
    package var native: String { Self.dashed(stored) }

    /// The first eight characters, as in a run folder's name.
    package var short: String { String(stored.prefix(8)) }

    package var description: String { native }

    private static func dashed(_ text: String) -> String {
        let digits = Array(text.utf8)
        let isHexadecimal = digits.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        guard digits.count == 32, isHexadecimal else { return text }
        let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
        return groups.map { String(decoding: digits[$0], as: UTF8.self) }.joined(separator: "-")
    }
}
