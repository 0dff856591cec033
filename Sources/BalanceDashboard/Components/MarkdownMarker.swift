/// What starts an item of a list: a bullet, or a number with its delimiter.
struct MarkdownMarker {
    /// The bullet or the delimiter; items with the same one make a list.
    let byte: UInt8
    /// The number of an ordered list's item.
    let number: Int?
    /// The bytes of the marker.
    let width: Int
    let isEmpty: Bool

    /// - Parameter text: The line without its indent.
    init?(_ text: ArraySlice<UInt8>) {
        let digits = text.prefix(10).prefix { $0.isDigit }
        guard digits.count < 10, let byte = text.dropFirst(digits.count).first else { return nil }
        let isBullet = byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "*")
        let isDelimiter = byte == UInt8(ascii: ".") || byte == UInt8(ascii: ")")
        guard digits.isEmpty ? isBullet : isDelimiter else { return nil }
        width = digits.count + 1
        let rest = text.dropFirst(width)
        guard rest.first?.isBlank ?? true else { return nil }
        isEmpty = rest.trimmed.isEmpty
        number = digits.isEmpty ? nil : digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        self.byte = byte
    }

    /// Whether it may follow a line of a paragraph: a year at the start of a line is no list.
    var interrupts: Bool { !isEmpty && (number ?? 1) == 1 }
}

/// The fence of a code block.
struct MarkdownFence {
    let byte: UInt8
    let count: Int
    let indent: Int

    init?(_ line: MarkdownLine) {
        let text = line.text
        guard let byte = text.first, byte == UInt8(ascii: "`") || byte == UInt8(ascii: "~") else { return nil }
        count = text.prefix { $0 == byte }.count
        guard count >= 3, byte == UInt8(ascii: "~") || !text.dropFirst(count).contains(byte) else { return nil }
        self.byte = byte
        indent = line.indent
    }

    func isClosed(by line: MarkdownLine) -> Bool {
        guard line.indent < 4, line.text.first == byte else { return false }
        let run = line.text.prefix { $0 == byte }.count
        return run >= count && line.text.dropFirst(run).allSatisfy(\.isBlank)
    }
}

/// The rows of a GFM table.
enum MarkdownTable {
    enum Alignment {
        case none, left, right, center
    }

    /// The alignments that the row under the header names; nil where the line is no such row.
    static func alignments(_ text: ArraySlice<UInt8>) -> [Alignment]? {
        guard text.allSatisfy({ $0.isBlank || "|:-".utf8.contains($0) }), text.contains(UInt8(ascii: "|")) else {
            return nil
        }
        var found: [Alignment] = []
        for cell in cells(text) {
            let dashes = cell.drop { $0 == UInt8(ascii: ":") }
            let isLeft = cell.first == UInt8(ascii: ":")
            let isRight = cell.count > 1 && cell.last == UInt8(ascii: ":")
            let core = dashes.dropLast(isRight ? 1 : 0)
            guard !core.isEmpty, core.allSatisfy({ $0 == UInt8(ascii: "-") }) else { return nil }
            found.append(isLeft ? (isRight ? .center : .left) : (isRight ? .right : .none))
        }
        return found
    }

    /// The cells of a row; a bar after a backslash is a part of its cell.
    static func cells(_ row: ArraySlice<UInt8>) -> [[UInt8]] {
        var row = row.trimmed
        if row.first == UInt8(ascii: "|") { row = row.dropFirst() }
        var cells: [[UInt8]] = []
        var cell: [UInt8] = []
        for byte in row {
            if byte != UInt8(ascii: "|") {
                cell.append(byte)
            } else if cell.last == UInt8(ascii: "\\") {
                cell[cell.count - 1] = byte
            } else {
                cells.append(Array(cell[...].trimmed))
                cell = []
            }
        }
        let last = cell[...].trimmed
        return last.isEmpty && !cells.isEmpty ? cells : cells + [Array(last)]
    }
}
