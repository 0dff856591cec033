/// Bytes of HTML: markup that the program spells out, and text that is escaped on its way in.
///
/// Text is escaped by code unit: a quote that a combining mark follows is one character to Swift, but still a quote to
/// a browser. Markup is a `StaticString`, so that no input can become markup by mistake.
struct HTMLWriter {
    private var bytes: [UInt8] = []

    var html: String { String(decoding: bytes, as: UTF8.self) }

    mutating func markup(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    mutating func number(_ value: Int) {
        bytes.append(contentsOf: String(value).utf8)
    }

    /// Adds text that may stand between tags and in attributes.
    mutating func text(_ text: some Sequence<UInt8>) {
        for byte in text { self.text(byte) }
    }

    mutating func text(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "&"): markup("&amp;")
        case UInt8(ascii: "<"): markup("&lt;")
        case UInt8(ascii: ">"): markup("&gt;")
        case UInt8(ascii: "\""): markup("&quot;")
        case UInt8(ascii: "'"): markup("&#39;")
        default: bytes.append(byte)
        }
    }
}
