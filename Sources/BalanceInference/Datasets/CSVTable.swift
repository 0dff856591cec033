import BalanceCore
import SwiftCSV

/// Reads the cells of a CSV file.
enum CSVTable {
    /// - Parameters:
    ///   - text: The file's text.
    ///   - separator: What stands between cells.
    ///   - path: What messages call the file.
    /// - Returns: The header, and the rows, each as wide as the header.
    /// - Throws: `Failure` with code `datasetInvalid`.
    static func read(_ text: String, separator: Character, path: String) throws -> (names: [String], rows: [[String]]) {
        guard text.utf8.count(where: { $0 == UInt8(ascii: "\"") }).isMultiple(of: 2) else {
            throw Failure(.datasetInvalid, "\(path) is not valid CSV: a quote is not closed", hint: "check the quotes")
        }
        var names: [String]?
        var rows: [[String]] = []
        var wide: Int?
        do {
            // Row by row: the reader's own table is as wide as its longest row, whatever the others are.
            let csv = try CSV<Enumerated>(
                string: text,
                delimiter: .character(separator),
                loadColumns: false,
                rowLimit: 1
            )
            try csv.enumerateAsArray(startAt: 0, rowLimit: nil) { cells in
                guard let header = names else {
                    names = cells
                    return
                }
                if cells.count == 1, cells[0].isEmpty { return }
                if cells.dropFirst(header.count).contains(where: { !$0.isEmpty }) { wide = wide ?? rows.count + 1 }
                let missing = Array(repeating: "", count: max(0, header.count - cells.count))
                rows.append(Array(cells.prefix(header.count)) + missing)
            }
        } catch {
            throw Failure(.datasetInvalid, "\(path) is not valid CSV: \(reason(error))", hint: "check the quotes")
        }
        guard let names, names != [""], Set(names).count == names.count else {
            throw Failure(.datasetInvalid, "\(path) has no header, or a duplicate column name")
        }
        if names.count == 1, let other = [";", "\t", "|", ","].first(where: names[0].contains) {
            let shown = other == "\t" ? "$'\\t'" : "'\(other)'"
            throw Failure(
                .datasetInvalid,
                "\(path) has one column, '\(names[0].prefix(60))': its separator is not '\(separator)'",
                hint: "pass --sep \(shown), or \"sep\" in the dataset spec"
            )
        }
        if let wide {
            throw Failure(
                .datasetInvalid,
                "row \(wide) of \(path) has more cells than its header, which has \(names.count)",
                hint: "quote cells that contain the separator"
            )
        }
        guard !rows.isEmpty else { throw Failure(.datasetInvalid, "\(path) has no rows") }
        return (names, rows)
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case CSVParseError.quotation(let message), CSVParseError.generic(let message): message
        default: "\(error)"
        }
    }
}
