/// One line of a Markdown text, and how far its markers have been read.
///
/// A tab reaches to the next column that is a multiple of four; a marker may use up a part of it.
struct MarkdownLine {
    let bytes: [UInt8]
    private(set) var position: Int
    let end: Int
    private var column = 0
    /// The columns left of the tab before ``position``.
    private var rest = 0

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// The place of the next byte that is no blank, and the columns before it.
    private var blanks: (end: Int, width: Int) {
        var (place, next) = (position, column)
        while place < end {
            if bytes[place] == 0x20 {
                next += 1
            } else if bytes[place] == 0x09 {
                next += 4 - next % 4
            } else {
                break
            }
            place += 1
        }
        return (place, rest + next - column)
    }

    /// The blank columns before the text.
    var indent: Int { blanks.width }

    /// The line without the blanks at its start.
    var text: ArraySlice<UInt8> { bytes[blanks.end..<end] }

    var isBlank: Bool { blanks.end == end }

    /// Everything that is left, with spaces for a tab that was used in part.
    var content: [UInt8] { [UInt8](repeating: 0x20, count: rest) + bytes[position..<end] }

    /// Passes over blanks, at most so many columns.
    mutating func skip(columns: Int) {
        var left = columns
        while left > 0 {
            if rest > 0 {
                rest -= 1
                left -= 1
            } else if position < end, bytes[position] == 0x20 {
                position += 1
                column += 1
                left -= 1
            } else if position < end, bytes[position] == 0x09 {
                rest = 4 - column % 4
                position += 1
                column += rest
            } else {
                return
            }
        }
    }

    /// Passes over the blanks at the start and a marker of so many bytes.
    mutating func skip(marker count: Int) {
        skip(columns: indent)
        position = min(position + count, end)
        column += count
    }
}

extension UInt8 {
    var isBlank: Bool { self == 0x20 || self == 0x09 }

    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

    /// The same in lower case, where it is a letter.
    var lowercased: UInt8 { self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self }

    var isLetter: Bool { lowercased >= UInt8(ascii: "a") && lowercased <= UInt8(ascii: "z") }

    /// Whether a backslash before it makes it plain text.
    var isMarkdownPunctuation: Bool { self > 0x20 && self < 0x7F && !isLetter && !isDigit }
}

extension ArraySlice<UInt8> {
    /// The same without blanks at both ends.
    var trimmed: ArraySlice<UInt8> {
        let start = firstIndex { !$0.isBlank } ?? endIndex
        let end = (lastIndex { !$0.isBlank } ?? startIndex - 1) + 1
        return start < end ? self[start..<end] : self[startIndex..<startIndex]
    }
}
