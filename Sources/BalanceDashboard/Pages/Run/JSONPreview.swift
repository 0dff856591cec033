/// Lays out a JSON text that was checked before, and leaves its numbers, names and escapes as they are written.
enum JSONPreview {
    /// The text with two blanks a level, and no more lines than a page shows and one.
    static func indented(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count * 2)
        var (level, lines, place) = (0, 0, 0)
        func breakLine() {
            output.append(0x0A)
            output.append(contentsOf: repeatElement(0x20, count: level * 2))
            lines += 1
        }
        while place < bytes.count, lines <= TextPreview.maximumLines {
            let byte = bytes[place]
            switch byte {
            case UInt8(ascii: "\""):
                let end = stringEnd(bytes, place)
                output += bytes[place..<end]
                place = end - 1
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                output.append(byte)
                let next = bytes[(place + 1)...].firstIndex { !isSpace($0) } ?? bytes.count
                if next < bytes.count, bytes[next] == byte + 2 {
                    output.append(bytes[next])
                    place = next
                } else {
                    level += 1
                    breakLine()
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                level = max(level - 1, 0)
                breakLine()
                output.append(byte)
            case UInt8(ascii: ","):
                output.append(byte)
                breakLine()
            case UInt8(ascii: ":"): output += ": ".utf8
            default: if !isSpace(byte) { output.append(byte) }
            }
            place += 1
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func stringEnd(_ bytes: [UInt8], _ start: Int) -> Int {
        var place = start + 1
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
            place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(place + 1, bytes.count)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
}
