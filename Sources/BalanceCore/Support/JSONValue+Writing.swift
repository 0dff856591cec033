extension JSONValue {
    /// The text of this value: on one line, or over several with two blanks a level where `pretty` is set.
    ///
    /// NaN and infinities have no JSON form; they are written as `null`.
    package func text(pretty: Bool = false) -> String {
        String(decoding: bytes(pretty: pretty), as: UTF8.self)
    }

    /// The UTF-8 bytes of ``text(pretty:)``.
    package func bytes(pretty: Bool = false) -> [UInt8] {
        var writer = JSONWriter(pretty: pretty)
        writer.write(self, level: 0)
        return writer.bytes
    }
}

private struct JSONWriter {
    var bytes: [UInt8] = []
    let pretty: Bool

    init(pretty: Bool) {
        self.pretty = pretty
        bytes.reserveCapacity(256)
    }

    mutating func write(_ value: JSONValue, level: Int) {
        switch value {
        case .null: append("null")
        case .bool(let flag): append(flag ? "true" : "false")
        case .int(let number): append(String(number))
        case .double(let number): append(number.isFinite ? number.description : "null")
        case .string(let text): quote(text)
        case .array(let elements):
            list("[", "]", elements, level) { writer, element in writer.write(element, level: level + 1) }
        case .object(let members):
            list("{", "}", members, level) { writer, member in
                writer.quote(member.0)
                writer.append(writer.pretty ? ": " : ":")
                writer.write(member.1, level: level + 1)
            }
        }
    }

    private mutating func list<Element>(
        _ open: String,
        _ close: String,
        _ elements: [Element],
        _ level: Int,
        _ element: (inout JSONWriter, Element) -> Void
    ) {
        append(open)
        for (index, next) in elements.enumerated() {
            if index > 0 { append(",") }
            breakLine(level + 1)
            element(&self, next)
        }
        if !elements.isEmpty { breakLine(level) }
        append(close)
    }

    private mutating func breakLine(_ level: Int) {
        guard pretty else { return }
        append("\n")
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: level * 2))
    }

    private mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { bytes.append(contentsOf: $0) }
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        if text.utf8.allSatisfy(Self.isPlain) { append(text) } else { escape(text) }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Whether a byte stands for itself in a JSON text.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func escape(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0..<0x20, 0x7F: escape(byte)
            default: bytes.append(byte)
            }
        }
    }

    private mutating func escape(_ byte: UInt8) {
        let digits = Array("0123456789abcdef".utf8)
        append("\\u00")
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
    }
}
