import BalanceCore

/// The first rows of a table: a CSV file, or the JSON that MLflow's `log_table` writes.
struct TablePreview {
    struct Row {
        var cells: [String]
    }

    static let maximumRows = 200
    static let maximumColumns = 60
    static let maximumCell = 200

    let header: [String]
    let rows: [Row]
    /// The columns of the file, of which the page shows no more than ``maximumColumns``.
    let columnCount: Int
    /// The rows of the file, where all of it was read.
    let rowCount: Int?
    let areColumnsCut: Bool
    let areRowsCut: Bool

    var isCut: Bool { areColumnsCut || areRowsCut }

    /// Reads the records of RFC 4180, of which the first is the header.
    ///
    /// Of the separators, the first of those that fit the first lines best is taken.
    init(_ text: String, separators: String, isWhole: Bool) {
        let bytes = Array(text.utf8)
        let separator = Self.separator(bytes, Array(separators.utf8))
        var reader = RecordReader(bytes: bytes, separator: separator)
        var records: [[String]] = []
        while records.count <= Self.maximumRows, let record = reader.next() { records.append(record) }
        // The last record of a part of a file may lack its end.
        if !isWhole, reader.isAtEnd, records.count > 1 { records.removeLast() }
        let hasMore = !isWhole || !reader.isAtEnd
        self.init(
            header: records.first ?? [],
            rows: Array(records.dropFirst()),
            columns: reader.columns,
            rowCount: hasMore ? nil : max(records.count - 1, 0),
            hasMore: hasMore
        )
    }

    /// Reads `{"columns": […], "data": [[…], …]}`.
    init?(_ value: JSONValue) {
        guard let columns = value["columns"]?.elements, let data = value["data"]?.elements else { return nil }
        let shown = data.prefix(Self.maximumRows).compactMap(\.elements)
        guard shown.count == min(data.count, Self.maximumRows), !columns.isEmpty else { return nil }
        self.init(
            header: columns.prefix(Self.maximumColumns).map(Self.cell),
            rows: shown.map { $0.prefix(Self.maximumColumns).map(Self.cell) },
            columns: shown.reduce(columns.count) { max($0, $1.count) },
            rowCount: data.count,
            hasMore: data.count > Self.maximumRows
        )
    }

    private init(header: [String], rows: [[String]], columns: Int, rowCount: Int?, hasMore: Bool) {
        let width = min(columns, Self.maximumColumns)
        self.header = Self.padded(header, width)
        self.rows = rows.map { Row(cells: Self.padded($0, width)) }
        self.rowCount = rowCount
        columnCount = columns
        areColumnsCut = columns > width
        areRowsCut = hasMore
    }

    private static func padded(_ cells: [String], _ width: Int) -> [String] {
        cells + Array(repeating: "", count: max(width - cells.count, 0))
    }

    private static func cell(_ value: JSONValue) -> String {
        cell(Array((value.isNull ? "" : value.string ?? value.text()).utf8)[...])
    }

    /// A cell's text, cut to ``maximumCell`` characters.
    static func cell(_ bytes: ArraySlice<UInt8>) -> String {
        let text = TextPreview.plain(bytes).unicodeScalars
        guard let end = text.index(text.startIndex, offsetBy: maximumCell, limitedBy: text.endIndex),
            end < text.endIndex
        else { return String(text) }
        return String(text[..<end]) + "…"
    }

    /// The separator that stands as often in most of the first lines as in the very first.
    private static func separator(_ bytes: [UInt8], _ candidates: [UInt8]) -> UInt8 {
        var counts = [[UInt8: Int]]()
        var line: [UInt8: Int] = [:]
        var isQuoted = false
        for byte in bytes.prefix(16_384) where counts.count < 20 {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            guard !isQuoted else { continue }
            if byte == 0x0A {
                counts.append(line)
                line = [:]
            } else if candidates.contains(byte) {
                line[byte, default: 0] += 1
            }
        }
        if counts.isEmpty { counts = [line] }
        var best = (byte: candidates.first ?? UInt8(ascii: ","), score: 0, count: 0)
        for candidate in candidates {
            guard let count = counts.first?[candidate], count > 0 else { continue }
            let score = counts.count { $0[candidate] == count }
            if (score, count) > (best.score, best.count) { best = (candidate, score, count) }
        }
        return best.byte
    }
}

/// Reads the records of a CSV file; what breaks the rules of quotes is taken as text.
private struct RecordReader {
    let bytes: [UInt8]
    let separator: UInt8
    private(set) var columns = 0
    private var position = 0

    init(bytes: [UInt8], separator: UInt8) {
        self.bytes = bytes
        self.separator = separator
    }

    var isAtEnd: Bool { position >= bytes.count }

    /// The cells that are shown of the next record that is no empty line.
    mutating func next() -> [String]? {
        skipLineEnds()
        guard !isAtEnd else { return nil }
        var cells: [String] = []
        var count = 0
        while true {
            let cell = cell()
            count += 1
            if count <= TablePreview.maximumColumns { cells.append(TablePreview.cell(cell[...])) }
            guard !isAtEnd, bytes[position] == separator else { break }
            position += 1
        }
        columns = max(columns, count)
        skipLineEnds()
        return cells
    }

    private mutating func skipLineEnds() {
        while !isAtEnd, bytes[position] == 0x0A || bytes[position] == 0x0D { position += 1 }
    }

    /// The text up to the next separator or line end that no quotes enclose.
    private mutating func cell() -> [UInt8] {
        var cell: [UInt8] = []
        let quote = UInt8(ascii: "\"")
        if !isAtEnd, bytes[position] == quote {
            position += 1
            while !isAtEnd {
                let byte = bytes[position]
                position += 1
                if byte != quote {
                    cell.append(byte)
                } else if !isAtEnd, bytes[position] == quote {
                    cell.append(quote)
                    position += 1
                } else {
                    break
                }
            }
        }
        while !isAtEnd, bytes[position] != separator, bytes[position] != 0x0A, bytes[position] != 0x0D {
            cell.append(bytes[position])
            position += 1
        }
        return cell
    }
}
