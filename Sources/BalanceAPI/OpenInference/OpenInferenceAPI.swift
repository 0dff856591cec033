package import BalanceCore
import BalanceNet
import HTTPTypes
package import Hummingbird
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

    package static let routes: [RouteDescription] =
        [
            RouteDescription("GET", "/v2", "The server and its extensions.", answer: "InferenceServer"),
            RouteDescription("GET", "/v2/health/live", "Whether the server is live.", answer: "Liveness"),
            RouteDescription(
                "GET",
                "/v2/health/ready",
                "Whether every current model is ready.",
                answer: "Readiness",
                failures: [.unavailable, .storageLost]
            ),
            RouteDescription(
                "POST",
                "/v2/repository/index",
                "The versions of all models and whether they are ready.",
                body: "InferenceIndexRequest",
                answer: "InferenceIndex"
            ),
            RouteDescription("GET", "/v2/models/stats", "Inference statistics.", answer: "InferenceStatistics"),
            control("load", "Reloads a model."), control("unload", "Takes a model out of service."),
        ] + versioned("GET", "", "The inputs and outputs of a model.", answer: "InferenceMetadata")
        + versioned("GET", "/ready", "Whether a model is ready.", answer: "Readiness")
        + versioned("GET", "/config", "The configuration of a model.", answer: "InferenceConfig")
        + versioned("GET", "/stats", "Inference statistics of a model.", answer: "InferenceStatistics")
        + versioned("POST", "/infer", "The outputs of a model.", body: "InferenceRequest", answer: "InferenceResponse")

    private static func control(_ verb: String, _ summary: String) -> RouteDescription {
        RouteDescription(
            "POST",
            "/v2/repository/models/{name}/\(verb)",
            summary,
            parameters: [.init("name", in: .path, [("type", "string")])],
            body: "InferenceControlRequest",
            answer: "Empty",
            failures: [
                .resourceNotFound, .currentModelLoadFailed, .invalidParameter, .modelNotReadable, .noCurrentModel,
            ]
        )
    }

    private static func versioned(
        _ method: String,
        _ tail: String,
        _ summary: String,
        body: String? = nil,
        answer: String
    ) -> [RouteDescription] {
        [["name"], ["name", "version"]].map { names in
            let middle = names.count == 1 ? "" : "/versions/{version}"
            return RouteDescription(
                method,
                "/v2/models/{name}\(middle)\(tail)",
                summary,
                parameters: names.map { .init($0, in: .path, [("type", "string")]) },
                body: body,
                answer: answer,
                failures: [
                    .invalidParameter, .resourceNotFound, .noCurrentModel, .modelUnloaded, .modelNotReadable,
                    .versionQuarantined, .artifactDamaged, .notImplemented,
                ]
            )
        }
    }

    package func addRoutes(to router: Router<AppContext>) {
        router.get("/v2") { _, _ in
            Response.json(
                .object([
                    ("name", "balanceops"), ("version", .string(Build.version)),
                    ("extensions", .strings(ModelService.extensions)),
                ])
            )
        }
        router.get("/v2/health/live") { _, _ in Response.json(.object([("live", .bool(true))])) }
        router.get("/v2/health/ready") { _, _ in
            if let loss = storage() { throw loss }
            if let problem = try await service.problem() { throw Failure(.unavailable, problem) }
            return Response.json(.object([("ready", .bool(true))]))
        }
        router.post("/v2/repository/index") { request, _ in Response.json(try await index(request)) }
        router.post("/v2/repository/models/:name/load") { request, context in
            try await refuseOverrides(in: request)
            try await service.load(context.text("name"))
            return Response.json(.object([]))
        }
        router.post("/v2/repository/models/:name/unload") { _, context in
            try await service.unload(context.text("name"))
            return Response.json(.object([]))
        }
        router.get("/v2/models/stats") { _, _ in Response.json(ModelDocuments.statistics(service.statistics.all)) }
        for path in ["/v2/models/:name", "/v2/models/:name/versions/:version"] { addModelRoutes(to: router, path) }
    }

    private func addModelRoutes(to router: Router<AppContext>, _ path: String) {
        router.get(RouterPath(path)) { _, context in
            let model = try await model(context)
            return Response.json(
                ModelDocuments.metadata(model, versions: try await service.servableVersions(of: model.name))
            )
        }
        router.get(RouterPath(path + "/ready")) { _, context in
            let model = try await model(context)
            return Response.json(.object([("name", .string(model.name)), ("ready", .bool(true))]))
        }
        router.get(RouterPath(path + "/config")) { _, context in
            Response.json(ModelDocuments.config(try await model(context)))
        }
        router.get(RouterPath(path + "/stats")) { _, context in
            let entries = try await service.statistics(of: context.text("name"), version: context.version())
            return Response.json(ModelDocuments.statistics(entries))
        }
        router.post(RouterPath(path + "/infer")) { request, context in
            let body = try await body(request)
            let (model, service) = (try await model(context), self.service)
            return try await service.asking(model, rows: body.request.inputs.first?.shape.first ?? 1) {
                let (head, binary, isBinary) = try Self.answer(body, with: model, service)
                return Self.response(head, binary, isBinary: isBinary)
            }
        }
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
