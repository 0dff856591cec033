/// The types of the columns that an MLflow signature names, which `/invocations` holds its callers to.
///
/// Source: `Schema` and `ColSpec` of MLflow's `mlflow.types`; what its `pyfunc` and its scoring server accept for each.
package struct ColumnTypes: Sendable, Equatable {
    enum Kind: String, Sendable {
        case integer, long, float, double, boolean, string
    }

    private let kinds: [ByteText: Kind]

    /// - Parameter columns: Names and types as a signature has them; other types than plain ones are not looked at.
    package init(_ columns: [(name: String, type: String)]) {
        kinds = ByteText.dictionary(columns.map { ($0.name, $0.type) }).compactMapValues { Kind(rawValue: $0) }
    }

    /// As ``json`` wrote it.
    package init(_ json: JSONValue?) {
        self.init((json?.members ?? []).compactMap { name, type in type.string.map { (name, $0) } })
    }

    package var json: JSONValue {
        .object(kinds.map { ($0.key.text, .string($0.value.rawValue)) }.sorted { $0.0 < $1.0 })
    }

    /// A row with its cells in the types of their columns.
    ///
    /// - Throws: `Failure` with code `invalidParameter` for a cell that its column cannot hold without a loss.
    func enforced(_ row: JSONValue, names: [String]?) throws -> JSONValue {
        if kinds.isEmpty { return row }
        if let members = row.members { return .object(try members.map { ($0.0, try enforced($0.1, $0.0)) }) }
        guard let cells = row.elements, let names, names.count == cells.count else { return row }
        return .array(try zip(names, cells).map { try enforced($1, $0) })
    }

    private func enforced(_ cell: JSONValue, _ name: String) throws -> JSONValue {
        guard let kind = kinds[ByteText(name)] else { return cell }
        switch kind {
        case .double, .string: return cell
        case .float: return cell.number.map { .double(Double(Float($0))) } ?? cell
        case .boolean: return .bool(Self.truth(cell))
        case .integer: return .int(Int(try whole(cell, name, kind, Int32.self)))
        case .long: return .int(Int(try whole(cell, name, kind, Int64.self)))
        }
    }

    private static func truth(_ cell: JSONValue) -> Bool {
        cell.boolean ?? cell.number.map { $0 != 0 } ?? cell.string.map { !$0.isEmpty } ?? false
    }

    private func whole<Value: FixedWidthInteger>(
        _ cell: JSONValue,
        _ name: String,
        _ kind: Kind,
        _: Value.Type
    ) throws -> Value {
        let found: Value? =
            switch cell {
            case .int(let number): Value(exactly: number)
            case .double(let number): Value(exactly: number)
            case .bool(let flag): flag ? 1 : 0
            case .string(let text): Int(plain: text).flatMap(Value.init(exactly:))
            default: nil
            }
        guard let found else {
            throw Failure(
                .invalidParameter,
                "the column '\(name)' is of type \(kind.rawValue) in the model's signature, and "
                    + "\(cell.text().prefix(60)) cannot be converted to it without loss",
                hint: "send an integer, or log the model with a signature where the column is a double"
            )
        }
        return found
    }
}
