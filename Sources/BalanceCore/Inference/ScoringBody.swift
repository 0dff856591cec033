/// A request in the form of MLflow's scoring server: one of `dataframe_split`, `dataframe_records`, `instances`, `inputs`.
package struct ScoringBody: Sendable {
    /// The rows, each a list or an object by names; nil where ``tensors`` stand.
    package let rows: [JSONValue]
    /// What `inputs` or `instances` hold, for a model that takes tensors.
    package let tensors: JSONValue?

    private static let forms = ["dataframe_split", "dataframe_records", "instances", "inputs"]

    /// - Throws: `Failure` with code `invalidParameter` that says what is missing or too much.
    package init(_ value: JSONValue) throws {
        guard let members = value.members else {
            throw Self.refusal("the request must be a JSON object")
        }
        let found = Self.forms.filter { form in members.contains { $0.0 == form } }
        guard found.count == 1, let content = value[found[0]] else {
            let what = found.isEmpty ? "none of them" : found.joined(separator: " and ")
            throw Self.refusal("the request needs exactly one of \(Self.forms.joined(separator: ", ")); it has \(what)")
        }
        switch found[0] {
        case "dataframe_split":
            rows = try Self.split(content)
            tensors = nil
        case "inputs":
            rows = try Self.columns(content)
            tensors = content
        default:
            guard let list = content.elements else { throw Self.refusal("'\(found[0])' must be a list") }
            rows = list
            tensors = found[0] == "instances" ? content : nil
        }
    }

    /// The rows as a model takes them: columns that it does not know are left out, as by MLflow's signatures, and names
    /// count for nothing where the model has none.
    ///
    /// - Throws: `Failure` with code `invalidParameter` for a cell that its column in the signature cannot hold.
    package func body(for model: any Predictor, types: ColumnTypes) throws -> PredictionBody {
        let rows = try rows(for: model).map { try types.enforced($0, names: model.featureNames) }
        guard let names = model.featureNames else {
            let order = rows.first?.members?.map(\.0)
            return try PredictionBody(
                rows: rows.map { row in
                    guard let order, let members = row.members else { return row }
                    let values = ByteText.dictionary(members)
                    return .array(order.map { values[ByteText($0)] ?? .null })
                }
            )
        }
        return try PredictionBody(
            rows: rows.map { row in
                guard let members = row.members else { return row }
                let values = ByteText.dictionary(members)
                return .object(names.compactMap { name in values[ByteText(name)].map { (name, $0) } })
            }
        )
    }

    /// The rows; those of a table that is sent as a tensor stand below its name.
    private func rows(for model: any Predictor) -> [JSONValue] {
        guard let members = tensors?.members, members.count == 1, let table = members[0].1.elements,
            model.signature.inputs.contains(where: { $0.name == members[0].0 && $0.shape.count == 2 }),
            table.allSatisfy({ $0.elements?.count == model.featureCount })
        else { return rows }
        return table
    }

    private static func split(_ content: JSONValue) throws -> [JSONValue] {
        guard let data = content["data"]?.elements else { throw refusal("'dataframe_split' must have a list 'data'") }
        guard let columns = content["columns"] else { return data }
        guard let names = columns.elements?.map({ $0.string ?? $0.integer.map(String.init) ?? "" }) else {
            throw refusal("'columns' of 'dataframe_split' must be a list")
        }
        return try data.enumerated().map { index, row in
            guard let cells = row.elements, cells.count == names.count else {
                throw refusal("row \(index) of 'dataframe_split' must have \(names.count) cells")
            }
            return .object(zip(names, cells).map { ($0, $1) })
        }
    }

    /// A nested list of rows, or a list for each column by its name.
    private static func columns(_ content: JSONValue) throws -> [JSONValue] {
        if let rows = content.elements { return rows }
        guard let members = content.members, let first = members.first else {
            throw refusal("'inputs' must be a list or an object of lists")
        }
        let columns = members.map { ($0.0, $0.1.elements?.map(single) ?? [single($0.1)]) }
        let count = first.1.elements?.count ?? 1
        guard let short = columns.first(where: { $0.1.count != count }) else {
            return (0..<count).map { row in .object(columns.map { ($0.0, $0.1[row]) }) }
        }
        throw refusal("column '\(short.0)' of 'inputs' must have \(count) rows")
    }

    /// A cell that stands in a list of its own.
    private static func single(_ cell: JSONValue) -> JSONValue {
        if let elements = cell.elements, elements.count == 1 { return elements[0] }
        return cell
    }

    static func refusal(_ message: String) -> Failure {
        Failure(.invalidParameter, message, hint: "docs/http-api.md shows the formats of /invocations")
    }
}
