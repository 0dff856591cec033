package import BalanceCore

/// Reads predictions row by row: a CSV file, or JSON with `columns` and `data` as MLflow's `log_table` writes it.
///
/// The columns `label` and `prediction` must be there; `row` (else `row_id`, `id` or `index`) names each row, and without
/// one of them the rows count from 0. Every other column can slice the rows.
package struct PredictionFiles: PredictionReader {
    private static let ids = ["row", "row_id", "id", "index"]
    private static let labels = ["label", "target", "y_true"]
    private static let predictions = ["prediction", "predicted", "y_pred"]
    private static let maximumColumns = 500
    private static let maximumClasses = 1000

    package init() {}

    package func predictions(from bytes: [UInt8], name: String) throws -> PredictionTable {
        let (names, rows) = try name.hasSuffix(".json") ? json(bytes, name) : csv(bytes, name)
        guard names.count <= Self.maximumColumns else {
            throw refusal(name, "more than \(Self.maximumColumns) columns")
        }
        func column(_ candidates: [String]) -> Int? { candidates.lazy.compactMap { names.firstIndex(of: $0) }.first }
        guard let label = column(Self.labels), let prediction = column(Self.predictions) else {
            throw refusal(
                name,
                "missing columns label and prediction; found \(names.prefix(10).joined(separator: ", "))"
            )
        }
        if let short = rows.firstIndex(where: { $0[label].isEmpty || $0[prediction].isEmpty }) {
            throw refusal(name, "missing label or prediction in row \(short + 1)")
        }
        guard Set(rows.lazy.map { $0[label] }).count <= Self.maximumClasses else {
            throw refusal(name, "more than \(Self.maximumClasses) labels; regressions are not supported")
        }
        let id = column(Self.ids)
        var others: [String: [String]] = [:]
        for (index, column) in names.enumerated() where index != label && index != prediction && index != id {
            others[column] = rows.map { $0[index] }
        }
        return try PredictionTable(
            ids: id.map { id in rows.map { $0[id] } } ?? rows.indices.map(String.init),
            labels: rows.map { Self.label($0[label]) },
            predictions: rows.map { Self.label($0[prediction]) },
            columns: others
        )
    }

    private func csv(_ bytes: [UInt8], _ name: String) throws -> (names: [String], rows: [[String]]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw refusal(name, "not valid UTF-8") }
        return try CSVTable.read(text, separator: ",", path: name)
    }

    private func json(_ bytes: [UInt8], _ name: String) throws -> (names: [String], rows: [[String]]) {
        guard let value = try? JSONValue(parsing: bytes, allowsNonFinite: true), let names = value["columns"]?.strings,
            let rows = value["data"]?.elements
        else { throw refusal(name, "expected JSON with columns and data") }
        let cells = rows.compactMap { row -> [String]? in
            guard let cells = row.elements, cells.count == names.count else { return nil }
            return cells.map { $0.string ?? $0.text() }
        }
        guard cells.count == rows.count, Set(names).count == names.count else {
            throw refusal(name, "each row must have a cell for each column")
        }
        return (names, cells)
    }

    /// One text for a label, whichever way a program writes it: 1 and 1.0 are the same class.
    private static func label(_ text: String) -> String {
        if let number = Double(text), let whole = Int(exactly: number) { return String(whole) }
        return text
    }

    private func refusal(_ name: String, _ reason: String) -> Failure {
        Failure(.datasetInvalid, "\(name): \(reason)", hint: "docs/policies.md describes the format of predictions")
    }
}
