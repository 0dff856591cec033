package import BalanceService
import BalanceCore
package import BalanceNet
import HTTPTypes
import Hummingbird
import NIOCore
import SwiftCSV

/// MLflow's scoring protocol: `/invocations` for the current model of the original's name, and for each other below its
/// name; `/ping`.
package struct ScoringController: Sendable {
    private let service: ModelService

    package init(service: ModelService) { self.service = service }

    package var endpoints: [Endpoint] {
        let ping = RouteDescription(
            "GET",
            "/ping",
            "Whether the current model is ready.",
            contentType: "",
            failures: [.noCurrentModel, .modelUnloaded]
        )
        return [
            Endpoint(ping, .open) { _, _ in
                _ = try await service.model(defaultModelName, version: nil)
                return Response(
                    status: .ok,
                    headers: [.contentType: "application/json"],
                    body: .init(byteBuffer: ByteBuffer(string: "\n"))
                )
            },
            invocations("/invocations") { _ in try await service.model(defaultModelName, version: nil) },
            invocations("/models/{name}/invocations") { try await service.model($0.text("name"), version: nil) },
            invocations("/models/{name}/versions/{version}/invocations") {
                try await service.model($0.text("name"), version: $0.text("version"))
            },
        ]
    }

    private func invocations(
        _ path: String,
        _ model: @escaping @Sendable (AppContext) async throws -> ServedModel
    ) -> Endpoint {
        let route = RouteDescription(
            "POST",
            path,
            "Predictions in the format of the MLflow scoring server.",
            body: "ScoringRequest",
            answer: "ScoringResponse",
            failures: [
                .invalidParameter, .mediaTypeNotSupported, .noCurrentModel, .resourceNotFound, .modelUnloaded,
                .modelNotReadable, .versionQuarantined, .artifactDamaged, .notImplemented,
            ]
        )
        let rule = path == "/invocations" ? ObjectRule.model : .path
        return Endpoint(route, .predict, on: rule) { request, context in
            try await answer(request) { try await model(context) }
        }
    }

    private func answer(_ request: Request, _ model: () async throws -> ServedModel) async throws -> Response {
        let type = try Self.mediaType(request.headers[.contentType])
        let body = try await request.bytes()
        let bytes = Array(body.readableBytesView)
        let model = try await model()
        let value = type == "text/csv" ? try Self.table(bytes, for: model.predictor) : try Self.json(bytes)
        let request = try ScoringBody(value)
        return try await service.asking(model, rows: request.rows.count) { .json(try answer(request, model)) }
    }

    func answer(_ body: ScoringBody, _ model: ServedModel) throws -> JSONValue {
        .object([("predictions", try predictions(body, model))])
    }

    private func predictions(_ body: ScoringBody, _ model: ServedModel) throws -> JSONValue {
        let predictor = model.predictor
        guard predictor.featureCount > 0 else { return try outputs(body, model) }
        let rows = try body.body(for: predictor, types: model.columnTypes)
        if let outputs = try service.scoringOutputs(of: rows.rows(for: predictor), with: model) {
            return try Self.answer(outputs, isTable: body.tensors == nil)
        }
        let outputs = try rows.outputs(of: predictor) { try service.outputs(of: $0, with: model) }
        return .array(
            try outputs.map { try predictor.scoringAnswer.json(predictor, $0) }
        )
    }

    /// Outputs by their names: for a table an object for each row, for tensors a list for each output.
    private static func answer(_ outputs: [ScoringOutput], isTable: Bool) throws -> JSONValue {
        let columns = try outputs.map { output in
            let rows = try TensorJSON.nested(output.tensor).elements ?? []
            let cells = rows.map { row in
                if let labels = output.labels { return JSONValue.object(Array(zip(labels, row.elements ?? []))) }
                // A column of its own is a single value in a data frame.
                return isTable && row.elements?.count == 1 ? row.elements?[0] ?? .null : row
            }
            return (output.tensor.name, cells)
        }
        guard isTable else { return .object(columns.map { ($0.0, .array($0.1)) }) }
        let count = columns.first?.1.count ?? 0
        return .array((0..<count).map { row in .object(columns.map { ($0.0, $0.1[row]) }) })
    }

    /// The outputs of a model that takes tensors, by their names.
    private func outputs(_ body: ScoringBody, _ model: ServedModel) throws -> JSONValue {
        let specs = model.predictor.signature.inputs
        guard let tensors = body.tensors else {
            throw Failure(.invalidParameter, "this model takes tensors", hint: "send {\"inputs\": {NAME: [...]}}")
        }
        let inputs = try specs.map { spec in
            guard let data = tensors[spec.name] ?? (specs.count == 1 && tensors.elements != nil ? tensors : nil) else {
                throw Failure(.invalidParameter, "missing input '\(spec.name)'")
            }
            return try TensorJSON.tensor(spec.name, spec.type, TensorJSON.shape(of: data), data)
        }
        let outputs = try service.infer(InferenceRequest(inputs: inputs, outputs: []), with: model)
        return .object(try outputs.map { ($0.name, try TensorJSON.nested($0)) })
    }

    private static func mediaType(_ header: String?) throws -> String {
        let parts = (header ?? "").lowercased().split(separator: ";").map { $0.filter { $0 != " " } }
        guard let type = parts.first, ["application/json", "text/csv"].contains(type),
            parts.dropFirst().allSatisfy({ $0 == "charset=utf-8" })
        else {
            throw Failure(
                .mediaTypeNotSupported,
                "Content-Type '\((header ?? "").prefix(80))' is not supported",
                hint: "send application/json or text/csv, in UTF-8"
            )
        }
        return type
    }

    private static func json(_ bytes: [UInt8]) throws -> JSONValue {
        do {
            return try JSONValue(parsing: bytes, refusesRepeatedNames: true)
        } catch {
            throw Failure(.invalidParameter, "the request is not valid JSON: \(error.message) at byte \(error.offset)")
        }
    }

    /// What pandas reads as the numbers 1 and 0 in a column of them.
    private static let flags = ["true": true, "false": false]

    /// A table with a line of names; an empty cell is a missing value.
    private static func table(_ bytes: [UInt8], for model: any Predictor) throws -> JSONValue {
        guard let text = String(validating: bytes, as: UTF8.self),
            let csv = try? EnumeratedCSV(string: text, loadColumns: false), !csv.header.isEmpty
        else { throw Failure(.invalidParameter, "the request is not valid CSV with a header line") }
        let texts = Set(model.textFeatures.compactMap { model.featureNames?[$0] })
        let rows = csv.rows.map { cells in
            JSONValue.array(
                zip(csv.header, cells).map { name, cell in
                    if cell.isEmpty { return .null }
                    if texts.contains(name) { return .string(cell) }
                    if let flag = Self.flags[cell.lowercased()] { return .bool(flag) }
                    return Double(cell).map(JSONValue.double) ?? .string(cell)
                }
            )
        }
        let split = JSONValue.object([("columns", .strings(csv.header)), ("data", .array(rows))])
        return .object([("dataframe_split", split)])
    }
}
