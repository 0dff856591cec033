import BalanceCore
import BalanceNet
import Foundation
import HTTPTypes
import Hummingbird

/// `/models…`: the registry to read, and predictions of any model, alias or version.
struct ModelsPredictController: Sendable {
    let registry: any ModelRegistry
    let governance: any Governance
    let service: ModelService

    /// The most that a body may hold, in bytes.
    static let maximumBody = 64 << 20

    static let routes = [
        RouteDescription("GET", "/models", "The registered models.", answer: "ModelList"),
        route("GET", "/models/{name}", "A registered model with its versions.", ["name"], answer: "RegisteredModel"),
        route("POST", "/models/{name}/predict", "Predictions of the current version.", ["name"], answer: "Predictions"),
        route(
            "POST",
            "/models/{name}/versions/{version}/predict",
            "Predictions of a version or an alias.",
            ["name", "version"],
            answer: "Predictions"
        ),
        route(
            "GET",
            "/models/{name}/versions/{version}",
            "The inputs and outputs of a version.",
            ["name", "version"],
            answer: "Signature"
        ),
    ]

    private static func route(
        _ method: String,
        _ path: String,
        _ summary: String,
        _ parameters: [String],
        answer: String
    ) -> RouteDescription {
        RouteDescription(
            method,
            path,
            summary,
            parameters: parameters.map { .init($0, in: .path, [("type", "string")]) },
            body: method == "POST" ? "PredictionRequest" : nil,
            answer: answer,
            failures: [
                .resourceNotFound, .noCurrentModel, .validation, .featureSizeMismatch, .modelNotReadable,
                .modelUnloaded,
                .versionQuarantined, .artifactDamaged, .notImplemented,
            ]
        )
    }

    func addRoutes(to router: Router<AppContext>) {
        router.get("/models") { _, _ in Response.json(try await list()) }
        router.get("/models/:name") { _, context in Response.json(try await detail(context.text("name"))) }
        router.get("/models/:name/versions/:version") { _, context in
            let model = try await service.model(context.text("name"), version: context.text("version"))
            return Response.json(Self.signature(model))
        }
        router.post("/models/:name/predict") { request, context in
            let body = try await Self.body(request)
            let model = try await service.model(context.text("name"), version: nil)
            return Response.json(
                try await service.asking(model, rows: body.count) { try service.answer(body, with: model) }
            )
        }
        router.post("/models/:name/versions/:version/predict") { request, context in
            let body = try await Self.body(request)
            let model = try await service.model(context.text("name"), version: context.text("version"))
            return Response.json(
                try await service.asking(model, rows: body.count) { try service.answer(body, with: model) }
            )
        }
    }

    private func list() async throws -> JSONValue {
        let items = try await service.registeredModels().map { model in
            JSONValue.object([
                ("name", .string(model.name)), ("description", .optional(model.description)),
                ("aliases", .object(model.aliases.map { ($0.name, .int($0.version)) })),
                ("latest_version", .int(model.latest.map(\.version).max() ?? 0)),
            ])
        }
        return .object([("items", .array(items)), ("count", .int(items.count))])
    }

    private func detail(_ name: String) async throws -> JSONValue {
        let model = try await registry.model(name)
        let versions = try await service.versions(of: name)
        return .object([
            ("name", .string(model.name)), ("description", .optional(model.description)),
            ("policy", .optional(try await governance.slot(of: name).policy)),
            ("aliases", .object(model.aliases.map { ($0.name, .int($0.version)) })),
            ("versions", .array(versions.map(Self.version))),
        ])
    }

    private static func version(_ version: ModelVersion) -> JSONValue {
        .object([
            ("version", .int(version.version)), ("stage", .string(version.stage.rawValue)),
            ("run_id", .optional(version.runID?.native)), ("source", .optional(version.source)),
            ("format", .optional(version.format)), ("sha256", .optional(version.digest)),
            ("signature", version.signature.flatMap { try? JSONValue(parsing: $0) } ?? .null),
            ("servable", .bool(version.problem == nil)), ("problem", .optional(version.problem)),
            ("metrics", version.metrics.json), ("created_at", .string(version.createdAt.iso8601)),
        ])
    }

    private static func signature(_ model: ServedModel) -> JSONValue {
        let predictor = model.predictor
        return .object([
            ("name", .string(model.name)), ("version", .int(model.version)),
            ("model_type", .string(predictor.modelType)), ("n_features", .int(predictor.featureCount)),
            ("feature_names", predictor.featureNames.map(JSONValue.strings) ?? .null),
            ("accepts_missing", .bool(predictor.acceptsMissing)),
            (
                "output",
                .string(predictor.classes.isEmpty ? "value" : predictor.hasProbabilities ? "probabilities" : "label")
            ),
            ("classes", .array(predictor.classes.indices.map(predictor.label))),
            ("text_features", .array(predictor.textFeatures.sorted().map(JSONValue.int))),
            ("format", .string(model.format)), ("signature", predictor.signatureJSON),
        ])
    }

    private static func body(_ request: Request) async throws -> PredictionBody {
        let buffer = try await request.bytes()
        let value = try PredictRequest.parse(Array(buffer.readableBytesView), request.headers[.contentType])
        let body = try PredictionBody(value)
        guard value["features"] != nil || value["instances"] != nil else {
            throw Failure.validation([
                ValidationIssue(
                    type: "missing",
                    location: [.string("body"), .string("features")],
                    message: "Field required: features for one row, or instances for several",
                    input: .null
                )
            ])
        }
        return body
    }
}

extension ModelService {
    /// The full answer to rows: predictions, and which version of which model they are from.
    func answer(_ body: PredictionBody, with model: ServedModel) throws -> JSONValue {
        let predictor = model.predictor
        let outputs = try body.outputs(of: predictor) { try self.outputs(of: $0, with: model) }
        let predictions = try outputs.map { try Prediction(predictor, $0).json }
        let (name, value): (String, JSONValue) =
            body.isSingle ? ("prediction", predictions[0]) : ("predictions", .array(predictions))
        return .object([(name, value), ("model", .string(model.name)), ("version", .int(model.version))])
    }
}

extension AppContext {
    /// A parameter of the path, decoded.
    func text(_ name: String) throws -> String {
        let text = try parameters.require(name)
        return text.removingPercentEncoding ?? text
    }
}
