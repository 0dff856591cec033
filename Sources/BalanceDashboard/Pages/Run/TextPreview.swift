/// The lines of a text, fit to be shown: what would move the cursor or turn the direction is taken out or spelt out.
struct TextPreview {
    struct Line {
        let number: Int
        let text: String
    }

    static let maximumLines = 2000

    private(set) var lines: [Line] = []
    /// Whether there are more lines.
    private(set) var isCut = false

    init(_ text: String, maximum: Int = maximumLines) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            guard lines.count < maximum else {
                isCut = true
                return
            }
            let end = rest.firstIndex { $0 == 0x0A || $0 == 0x0D } ?? rest.endIndex
            lines.append(Line(number: lines.count + 1, text: Self.plain(rest[rest.startIndex..<end])))
            rest = rest[end...]
            rest = rest.dropFirst(rest.starts(with: [0x0D, 0x0A]) ? 2 : 1)
        }
    }

    /// The text of UTF-8, or of UTF-16 with a byte order mark; nil where the bytes are neither or hold NUL.
    static func decoded(_ bytes: [UInt8], isWhole: Bool) -> String? {
        let isBig = bytes.starts(with: [0xFE, 0xFF])
        if isBig || bytes.starts(with: [0xFF, 0xFE]) {
            return utf16(bytes.dropFirst(2), isBig: isBig, isWhole: isWhole)
        }
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        guard !content.contains(0) else { return nil }
        let end = isWhole ? content.endIndex : content.endIndex - cutLength(content)
        return String(validating: content[..<end], as: UTF8.self)
    }

    /// The bytes of a character at the end whose rest is missing.
    private static func cutLength(_ bytes: ArraySlice<UInt8>) -> Int {
        for (place, byte) in bytes.suffix(3).reversed().enumerated() where byte & 0xC0 != 0x80 {
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length > place + 1 ? place + 1 : 0
        }
        return 0
    }

    private static func utf16(_ bytes: ArraySlice<UInt8>, isBig: Bool, isWhole: Bool) -> String? {
        guard bytes.count % 2 == 0 || !isWhole else { return nil }
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2)
        var rest = bytes
        while let first = rest.popFirst(), let second = rest.popFirst() {
            units.append(isBig ? UInt16(first) << 8 | UInt16(second) : UInt16(second) << 8 | UInt16(first))
        }
        if !isWhole, let last = units.last, UTF16.isLeadSurrogate(last) { units.removeLast() }
        return units.contains(0) ? nil : String(validating: units, as: UTF16.self)
    }

    /// One line without colours, with a picture for each control character and an escape for each turn of direction.
    static func plain(_ line: ArraySlice<UInt8>) -> String {
        if line.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 == 0x09 }) { return String(decoding: line, as: UTF8.self) }
        let scalars = Array(String(decoding: line, as: UTF8.self).unicodeScalars)
        var text: [UInt8] = []
        var place = 0
        while place < scalars.count {
            let scalar = scalars[place]
            place += 1
            switch scalar.value {
            case 0x1B:
                let length = escapeLength(scalars[place...])
                if length == 0 { text += "\u{241B}".utf8 }
                place += length
            case 0x09: text.append(0x09)
            case 0..<0x20: text += String(Unicode.Scalar(0x2400 + scalar.value) ?? " ").utf8
            case 0x7F: text += "\u{2421}".utf8
            case 0x80...0x9F, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFFF9...0xFFFB:
                text += ("\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}").utf8
            default: text += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// How long the terminal's escape sequence is that goes on here; 0 where it is none.
    private static func escapeLength(_ rest: ArraySlice<Unicode.Scalar>) -> Int {
        guard let first = rest.first else { return 0 }
        switch first {
        case "[":
            let end = rest.dropFirst().firstIndex { !(0x20...0x3F).contains($0.value) }
            guard let end, (0x40...0x7E).contains(rest[end].value) else { return 0 }
            return end - rest.startIndex + 1
        case "]":
            // It ends with BEL or with ESC and a backslash; any other ESC ends the search: the time stays linear.
            guard let end = rest.dropFirst().firstIndex(where: { $0.value == 0x07 || $0.value == 0x1B }) else {
                return 0
            }
            if rest[end].value == 0x07 { return end - rest.startIndex + 1 }
            return end + 1 < rest.endIndex && rest[end + 1] == "\\" ? end - rest.startIndex + 2 : 0
        default: return (0x30...0x7E).contains(first.value) ? 1 : 0
        }
    }
}
