/// A line of sixteen bytes of a file.
struct HexPreview {
    let offset: String
    let hex: String
    /// The bytes that are ASCII characters, and a point for each other.
    let text: String

    static let maximumBytes = 256

    static func lines(_ bytes: [UInt8]) -> [HexPreview] {
        let shown = bytes.prefix(maximumBytes)
        return stride(from: 0, to: shown.count, by: 16).map { start in
            let row = shown.dropFirst(start).prefix(16)
            let text = row.map { $0 >= 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: ".") }
            return HexPreview(
                offset: digits(start, 8),
                hex: row.map { digits(Int($0), 2) }.joined(separator: " "),
                text: String(decoding: text, as: UTF8.self)
            )
        }
    }

    private static func digits(_ value: Int, _ count: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(count - text.count, 0)) + text
    }
}
