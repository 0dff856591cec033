package import BalanceService
package import BalanceCore
package import BalanceNet
import HTTPTypes
import Hummingbird
import NIOCore

/// Unpacks a body that is packed by gzip or zlib, up to a size.
package typealias Unpack = @Sendable (_ packed: [UInt8], _ limit: Int) throws -> [UInt8]

/// The Open Inference Protocol, version 2, over HTTP, with Triton's extensions for binary tensors, the repository,
/// statistics and configuration.
package struct OpenInferenceAPI: Sendable {
    private let service: ModelService
    private let unpack: Unpack

    private static let headLength = HTTPField.Name("Inference-Header-Content-Length")

    private let storage: @Sendable () -> Failure?

    package init(service: ModelService, unpack: @escaping Unpack, storage: @escaping @Sendable () -> Failure?) {
        self.service = service
        self.storage = storage
        self.unpack = unpack
    }

    package var endpoints: [Endpoint] {
        [
            Endpoint(
                .init("GET", "/v2", "The server and its extensions.", answer: "InferenceServer"),
                .predict,
                on: .any
            ) { _, _ in
                .json(
                    .object([
                        ("name", "balanceops"), ("version", .string(Build.version)),
                        ("extensions", .strings(ModelService.extensions)),
                    ])
                )
            },
            Endpoint(.init("GET", "/v2/health/live", "Whether the server is live.", answer: "Liveness"), .open) {
                _,
                _ in
                .json(.object([("live", .bool(true))]))
            },
            Endpoint(
                .init(
                    "GET",
                    "/v2/health/ready",
                    "Whether every current model is ready.",
                    answer: "Readiness",
                    failures: [.unavailable, .storageLost]
                ),
                .open
            ) { _, _ in .json(try await ready()) },
        ] + repository + ["", "/versions/{version}"].flatMap(model)
    }

    private var repository: [Endpoint] {
        [
            Endpoint(
                .init(
                    "POST",
                    "/v2/repository/index",
                    "The versions of all models and whether they are ready.",
                    body: "InferenceIndexRequest",
                    answer: "InferenceIndex"
                ),
                .read,
                on: .any
            ) { request, _ in .json(try await index(request)) },
            Endpoint(
                .init("GET", "/v2/models/stats", "Inference statistics.", answer: "InferenceStatistics"),
                .read,
                on: .any
            ) { _, _ in
                let visible = service.statistics.all.filter { Visibility.shows(.model($0.name)) }
                return .json(ModelDocuments.statistics(visible))
            },
            Endpoint(Self.control("load", "Reloads a model."), .operate) { request, context in
                try await refuseOverrides(in: request)
                try await service.load(
                    context.text("name"),
                    by: Actor(request, context, otherwise: "api")
                )
                return .json(.object([]))
            },
            Endpoint(Self.control("unload", "Takes a model out of service."), .operate) { request, context in
                try await service.unload(
                    context.text("name"),
                    by: Actor(request, context, otherwise: "api")
                )
                return .json(.object([]))
            },
        ]
    }

    private static func control(_ verb: String, _ summary: String) -> RouteDescription {
        RouteDescription(
            "POST",
            "/v2/repository/models/{name}/\(verb)",
            summary,
            body: "InferenceControlRequest",
            answer: "Empty",
            failures: [
                .resourceNotFound, .currentModelLoadFailed, .invalidParameter, .modelNotReadable, .noCurrentModel,
            ]
        )
    }

    /// The endpoints of a model, or of one of its versions where the path has one in its middle.
    private func model(_ middle: String) -> [Endpoint] {
        func route(
            _ method: String,
            _ tail: String,
            _ summary: String,
            body: String? = nil,
            answer: String
        )
            -> RouteDescription
        {
            RouteDescription(
                method,
                "/v2/models/{name}\(middle)\(tail)",
                summary,
                body: body,
                answer: answer,
                failures: [
                    .invalidParameter, .resourceNotFound, .noCurrentModel, .modelUnloaded, .modelNotReadable,
                    .versionQuarantined, .artifactDamaged, .notImplemented,
                ]
            )
        }
        return [
            Endpoint(route("GET", "", "The inputs and outputs of a model.", answer: "InferenceMetadata"), .predict) {
                let model = try await model($1)
                let versions = try await service.servableVersions(of: model.name)
                return .json(ModelDocuments.metadata(model, versions: versions))
            },
            Endpoint(route("GET", "/ready", "Whether a model is ready.", answer: "Readiness"), .predict) {
                .json(.object([("name", .string(try await model($1).name)), ("ready", .bool(true))]))
            },
            Endpoint(route("GET", "/config", "The configuration of a model.", answer: "InferenceConfig"), .predict) {
                .json(ModelDocuments.config(try await model($1)))
            },
            Endpoint(route("GET", "/stats", "Inference statistics of a model.", answer: "InferenceStatistics"), .read) {
                let entries = try await service.statistics(of: $1.text("name"), version: $1.version())
                return .json(ModelDocuments.statistics(entries))
            },
            Endpoint(
                route(
                    "POST",
                    "/infer",
                    "The outputs of a model.",
                    body: "InferenceRequest",
                    answer: "InferenceResponse"
                ),
                .predict
            ) { try await infer($0, $1) },
        ]
    }

    private func infer(_ request: Request, _ context: AppContext) async throws -> Response {
        let body = try await body(request)
        let (model, service) = (try await model(context), self.service)
        return try await service.asking(model, rows: body.request.inputs.first?.shape.first ?? 1) {
            let (head, binary, isBinary) = try Self.answer(body, with: model, service)
            return Self.response(head, binary, isBinary: isBinary)
        }
    }

    private func ready() async throws -> JSONValue {
        if let loss = storage() { throw loss }
        if let problem = try await service.problem() { throw Failure(.unavailable, problem) }
        return .object([("ready", .bool(true))])
    }

    private func model(_ context: AppContext) async throws -> ServedModel {
        try await service.model(context.text("name"), version: context.version())
    }

    private func body(_ request: Request) async throws -> InferenceBody {
        var bytes = try await bytes(of: request)
        switch request.headers[.contentEncoding]?.lowercased() ?? "identity" {
        case "identity": break
        case "gzip", "x-gzip", "deflate":
            do {
                bytes = try unpack(bytes, Self.limit(of: request))
                try BodyShare.current?.take(bytes.count)
            } catch let failure as Failure where failure.code == .unavailable {
                throw failure
            } catch {
                throw Failure(
                    .invalidParameter,
                    "the compressed body is invalid or too large when decompressed",
                    hint: "send a smaller request, or raise BALANCEOPS_MAX_JSON for JSON"
                )
            }
        case let other:
            throw Failure(
                .mediaTypeNotSupported,
                "Content-Encoding '\(other.prefix(40))' is not supported",
                hint: "use gzip, deflate, or none"
            )
        }
        guard let name = Self.headLength, let text = request.headers[name] else {
            return try InferenceBody(bytes, headLength: nil)
        }
        guard let length = Int(text), length >= 0 else {
            throw Failure(.invalidParameter, "invalid Inference-Header-Content-Length: '\(text.prefix(40))'")
        }
        guard length <= TextBodies.limit else {
            throw Failure(
                .bodyTooLarge,
                "The JSON head is larger than \(TextBodies.limit) bytes.",
                hint: "send binary tensors"
            )
        }
        return try InferenceBody(bytes, headLength: length)
    }

    private func bytes(of request: Request) async throws -> [UInt8] {
        Array(try await request.bytes(upTo: Self.limit(of: request), allowsPacked: true).readableBytesView)
    }

    /// How many bytes a body may have; binary tensors stand behind a head of JSON, which has its own limit.
    private static func limit(of request: Request) -> Int {
        let isBinary = headLength.flatMap { request.headers[$0] } != nil
        return isBinary ? ModelsPredictController.maximumBody : TextBodies.limit
    }

    /// The JSON head of an answer, and the bytes of the outputs that are binary.
    static func answer(
        _ body: InferenceBody,
        with model: ServedModel,
        _ service: ModelService
    ) throws -> (head: JSONValue, binary: [UInt8], isBinary: Bool) {
        let outputs = try service.infer(body.request, with: model)
        var head: [(String, JSONValue)] = [
            ("model_name", .string(model.name)), ("model_version", .string(String(model.version))),
        ]
        if let id = body.id { head.append(("id", .string(id))) }
        var binary: [UInt8] = []
        var list: [JSONValue] = []
        for output in outputs {
            var members: [(String, JSONValue)] = [
                ("name", .string(output.name)), ("datatype", .string(output.type.rawValue)),
                ("shape", .array(output.shape.map(JSONValue.int))),
            ]
            if body.isBinary(output.name) {
                let bytes = RawTensor.bytes(of: output)
                members.append(("parameters", .object([("binary_data_size", .int(bytes.count))])))
                binary += bytes
            } else {
                members.append(("data", try TensorJSON.data(of: output)))
            }
            list.append(.object(members))
        }
        head.append(("outputs", .array(list)))
        return (.object(head), binary, outputs.contains { body.isBinary($0.name) })
    }

    private static func response(_ head: JSONValue, _ binary: [UInt8], isBinary: Bool) -> Response {
        guard isBinary, let name = headLength else { return .json(head) }
        let json = head.bytes()
        return Response(
            status: .ok,
            headers: [.contentType: "application/octet-stream", name: String(json.count)],
            body: .init(byteBuffer: ByteBuffer(bytes: json + binary))
        )
    }

    private func index(_ request: Request) async throws -> JSONValue {
        let bytes = try await bytes(of: request)
        let body = bytes.isEmpty ? nil : try Self.json(bytes)
        let states = try await service.index().filter { $0.isReady || body?["ready"]?.boolean != true }
        return .array(
            states.map { state in
                .object([
                    ("name", .string(state.name)), ("version", .string(String(state.version))),
                    ("state", .string(state.state)), ("reason", .string(state.reason)),
                ])
            }
        )
    }

    /// A load takes what the registry has; a configuration or files in the request would be silently ignored.
    private func refuseOverrides(in request: Request) async throws {
        let bytes = try await bytes(of: request)
        guard !bytes.isEmpty, let members = try Self.json(bytes)["parameters"]?.members, !members.isEmpty else {
            return
        }
        throw ModelService.refusesParameter(members[0].0)
    }

    private static func json(_ bytes: [UInt8]) throws -> JSONValue {
        do {
            return try JSONValue(parsing: bytes, refusesRepeatedNames: true)
        } catch {
            throw Failure(.invalidParameter, "the request is not valid JSON: \(error.message) at byte \(error.offset)")
        }
    }
}

extension AppContext {
    /// The version that the path names, or nil.
    fileprivate func version() throws -> String? { parameters.get("version") == nil ? nil : try text("version") }
}
