/// A text that is compared by its bytes: Swift takes two spellings of one letter for the same, SQL and Python do not.
package struct ByteText: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (left: ByteText, right: ByteText) -> Bool { isSame(left.text, right.text) }

    /// Whether two texts are the same bytes.
    package static func isSame(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        let isSame = left.utf8.withContiguousStorageIfAvailable { left in
            right.utf8.withContiguousStorageIfAvailable { $0.elementsEqual(left) }
        }
        return isSame.flatMap(\.self) ?? left.utf8.elementsEqual(right.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// The values by their names; the last one where a name stands twice, as in Python.
    package static func dictionary<Value>(_ members: [(String, Value)]) -> [ByteText: Value] {
        Dictionary(members.map { (ByteText($0.0), $0.1) }, uniquingKeysWith: { $1 })
    }
}
