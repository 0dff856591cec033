import BalanceCore
import Crypto
import Foundation

/// Reads a CSV file as pandas' `read_csv` and `get_dummies` do.
///
/// A column is numeric where every filled cell is a number, boolean where every filled cell is True or False, else text.
/// Numeric columns come first; then one 0/1 column `column_value` for each value of each text column, values sorted.
struct CSVDataset {
    private let path: String
    private let targetName: String
    private let featureNames: [String]?
    private let isOneHot: Bool
    private let dropsMissing: Bool
    private let separator: Character
    private let encoding: String

    init(params: JSONValue) throws {
        path = try Self.required("path", params)
        targetName = try Self.required("target_col", params)
        isOneHot = try Self.flag("one_hot", params)
        dropsMissing = try Self.flag("dropna", params)
        encoding = params["encoding"]?.string ?? "utf-8"
        let text = params["sep"]?.string ?? ","
        guard let separator = text == "\\t" ? "\t" : text.first, text.count == 1 || text == "\\t" else {
            throw Failure(.datasetInvalid, "sep must be one character, not '\(text)'")
        }
        self.separator = separator
        featureNames = try params["feature_cols"].flatMap { value -> [String]? in
            if value.isNull { return nil }
            guard let names = value.strings, !names.isEmpty else {
                throw Failure(.datasetInvalid, "feature_cols must be a list of column names")
            }
            return names
        }
    }

    /// How many numbers a table may have after encoding: 800 MB.
    private static let maximumCells = 100_000_000

    func load() throws -> Dataset {
        let data = try DataFile.read(path, what: "the CSV file")
        let table = try CSVTable.read(
            TextEncoding.decode(data, encoding, path: path),
            separator: separator,
            path: path
        )
        let target = try column(targetName, of: table, role: "target_col")
        let names = featureNames ?? table.names.filter { $0 != targetName }
        guard !names.isEmpty else { throw Failure(.datasetInvalid, "\(path) has no column other than '\(targetName)'") }
        guard Set(names).count == names.count, !names.contains(targetName) else {
            throw Failure(.datasetInvalid, "feature_cols contains a duplicate column or the target '\(targetName)'")
        }
        var columns = try names.map { try column($0, of: table, role: "feature_cols") }
        let kept = try keptRows(columns + [target])
        columns = columns.map { $0.selecting(kept) }
        let (labels, mapping) = try labels(target.selecting(kept))
        let encoded = try encode(columns)
        var meta: [(String, JSONValue)] = [
            ("source", .object([("type", .string("csv")), ("path", .string(path))])),
            ("fingerprint", .object([("sha256", .string(Self.digest(of: data)))])),
            ("target_col", .string(targetName)), ("feature_cols", .strings(encoded.map(\.name))),
            ("n_rows", .int(kept.count)), ("n_features", .int(encoded.count)),
        ]
        if let mapping { meta.append(("target_mapping", mapping)) }
        let values = kept.indices.flatMap { row in encoded.map { $0.values[row] } }
        let features = Matrix(rows: kept.count, columns: encoded.count, values: values)
        return Dataset(features: features, target: labels, featureNames: encoded.map(\.name), meta: meta)
    }

    private func column(_ name: String, of table: (names: [String], rows: [[String]]), role: String) throws -> Column {
        guard let index = table.names.firstIndex(of: name) else {
            throw Failure(
                .datasetInvalid,
                "\(role) not found: \(path) has no column '\(name)'",
                hint: "columns: \(table.names.joined(separator: ", "))"
            )
        }
        return Column(name: name, cells: table.rows.map { $0[index] })
    }

    private func keptRows(_ columns: [Column]) throws -> [Int] {
        let all = Array(columns[0].cells.indices)
        guard dropsMissing else { return all }
        let kept = all.filter { row in !columns.contains { $0.isMissing(row) } }
        guard !kept.isEmpty else { throw Failure(.datasetInvalid, "every row of \(path) has an empty cell") }
        return kept
    }

    private func labels(_ target: Column) throws -> ([Int], JSONValue?) {
        if target.cells.indices.contains(where: target.isMissing) {
            throw Failure(.datasetInvalid, "the target '\(targetName)' has empty cells", hint: "omit --no-dropna")
        }
        if target.kind == .numeric, let numbers = target.numbers {
            guard let wrong = numbers.first(where: { $0 != 0 && $0 != 1 }) else {
                return (numbers.map { Int($0) }, nil)
            }
            throw Failure(
                .datasetInvalid,
                "binary target required (0/1): '\(targetName)' contains \(wrong)",
                hint: "choose a target with two values"
            )
        }
        if target.kind == .boolean, let booleans = target.booleans {
            return (booleans.map { Int($0) }, .object([("False", .int(0)), ("True", .int(1))]))
        }
        let values = Set(target.cells).sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
        guard values.count == 2 else {
            throw Failure(
                .datasetInvalid,
                "binary target required: '\(targetName)' has \(values.count) distinct values",
                hint: "choose a target with two values"
            )
        }
        let mapping = JSONValue.object([(values[0], .int(0)), (values[1], .int(1))])
        return (target.cells.map { $0 == values[1] ? 1 : 0 }, mapping)
    }

    private func encode(_ columns: [Column]) throws -> [(name: String, values: [Double])] {
        var encoded: [(name: String, values: [Double])] = []
        var texts: [Column] = []
        for column in columns {
            if column.kind != .text, let numbers = column.kind == .boolean ? column.booleans : column.numbers {
                try checkFinite(numbers, column)
                encoded.append((column.name, numbers))
            } else {
                texts.append(column)
            }
        }
        if let first = texts.first, !isOneHot {
            throw Failure(
                .datasetInvalid,
                "column '\(first.name)' contains text",
                hint: "omit --no-one-hot, or list the columns to use in feature_cols"
            )
        }
        for column in texts {
            let values = Set(column.cells.indices.filter { !column.isMissing($0) }.map { column.cells[$0] })
            guard (encoded.count + values.count) * column.cells.count <= Self.maximumCells else {
                throw Failure(
                    .datasetInvalid,
                    "text column '\(column.name)' has \(values.count) distinct values, too many to encode",
                    hint: "exclude it with feature_cols; it may be an identifier"
                )
            }
            for value in values.sorted(by: { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }) {
                encoded.append(("\(column.name)_\(value)", column.cells.map { $0 == value ? 1 : 0 }))
            }
        }
        return encoded
    }

    private func checkFinite(_ numbers: [Double], _ column: Column) throws {
        guard let row = numbers.firstIndex(where: { !$0.isFinite }) else { return }
        throw Failure(
            .datasetInvalid,
            "column '\(column.name)' has no finite number in row \(row + 1)",
            hint: numbers[row].isNaN ? "omit --no-dropna" : "correct the cell"
        )
    }

    private static func required(_ key: String, _ params: JSONValue) throws -> String {
        guard let text = params[key]?.string, !text.isEmpty else {
            throw Failure(.datasetInvalid, "missing params.\(key) for the csv loader")
        }
        return text
    }

    private static func flag(_ key: String, _ params: JSONValue) throws -> Bool {
        guard let value = params[key], !value.isNull else { return true }
        if let flag = value.boolean { return flag }
        if let number = value.number { return number != 0 }
        let word = value.string?.trimmingCharacters(in: .whitespaces).lowercased() ?? ""
        if ["1", "true", "t", "yes", "y"].contains(word) { return true }
        if ["0", "false", "f", "no", "n"].contains(word) { return false }
        throw Failure(.datasetInvalid, "params.\(key) must be true or false")
    }

    private static func digest(of data: Data) -> String {
        SHA256.hash(data: data).hexadecimal
    }
}

/// A column as it stands in the file.
private struct Column {
    /// What a column holds, told from the whole file, before rows with empty cells are left out.
    enum Kind { case boolean, numeric, text }

    let name: String
    let cells: [String]
    private(set) var kind = Kind.text

    init(name: String, cells: [String]) {
        self.name = name
        self.cells = cells
        kind = booleans != nil ? .boolean : numbers != nil ? .numeric : .text
    }

    private init(name: String, cells: [String], kind: Kind) {
        self.name = name
        self.cells = cells
        self.kind = kind
    }

    /// What pandas takes for a missing value.
    private static let missing: Set<String> = [
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
        "NULL", "NaN", "None", "n/a", "nan", "null",
    ]

    func isMissing(_ row: Int) -> Bool { Self.missing.contains(cells[row]) }

    func selecting(_ rows: [Int]) -> Column { Column(name: name, cells: rows.map { cells[$0] }, kind: kind) }

    /// The cells as numbers, NaN where one is missing; nil where one is a text.
    var numbers: [Double]? {
        var numbers: [Double] = []
        numbers.reserveCapacity(cells.count)
        for row in cells.indices {
            if isMissing(row) {
                numbers.append(.nan)
            } else if let number = Self.number(cells[row]) {
                numbers.append(number)
            } else {
                return nil
            }
        }
        return numbers
    }

    /// The cells as 0 and 1 where every one is a boolean.
    var booleans: [Double]? {
        let words = ["True": 1.0, "TRUE": 1.0, "true": 1.0, "False": 0.0, "FALSE": 0.0, "false": 0.0]
        let values = cells.compactMap { words[$0] }
        return values.count == cells.count ? values : nil
    }

    private static func number(_ cell: String) -> Double? {
        let text = cell.trimmingCharacters(in: .whitespaces)
        // Swift also reads hexadecimal numbers; pandas takes them for text.
        return text.lowercased().contains("x") ? nil : Double(text)
    }
}
