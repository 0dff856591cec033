package import BalanceService
package import BalanceCore
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

    var endpoints: [Endpoint] {
        let models = RouteDescription("GET", "/models", "The registered models.", answer: "ModelList")
        let model = route("GET", "/models/{name}", "A registered model with its versions.", answer: "RegisteredModel")
        return [
            Endpoint(models, .read, on: .any) { _, _ in .json(try await list()) },
            Endpoint(model, .read) { .json(try await detail($1.text("name"))) },
            Endpoint(
                route("POST", "/models/{name}/predict", "Predictions of the current version.", answer: "Predictions"),
                .predict
            ) { request, context in
                .json(try await answer(request) { try await service.model(context.text("name"), version: nil) })
            },
            Endpoint(
                route(
                    "POST",
                    "/models/{name}/versions/{version}/predict",
                    "Predictions of a version or an alias.",
                    answer: "Predictions"
                ),
                .predict
            ) { request, context in .json(try await answer(request) { try await self.version(context) }) },
            Endpoint(
                route(
                    "GET",
                    "/models/{name}/versions/{version}",
                    "The inputs and outputs of a version.",
                    answer: "Signature"
                ),
                .read
            ) { .json(Self.signature(try await self.version($1))) },
        ]
    }

    private func route(_ method: String, _ path: String, _ summary: String, answer: String) -> RouteDescription {
        RouteDescription(
            method,
            path,
            summary,
            body: method == "POST" ? "PredictionRequest" : nil,
            answer: answer,
            failures: [
                .resourceNotFound, .noCurrentModel, .validation, .featureSizeMismatch, .modelNotReadable,
                .modelUnloaded, .versionQuarantined, .artifactDamaged, .notImplemented,
            ]
        )
    }

    private func version(_ context: AppContext) async throws -> ServedModel {
        try await service.model(context.text("name"), version: context.text("version"))
    }

    private func answer(_ request: Request, _ model: () async throws -> ServedModel) async throws -> JSONValue {
        let body = try await Self.body(request)
        let model = try await model()
        return try await service.asking(model, rows: body.count) { try service.answer(body, with: model) }
    }

    private func list() async throws -> JSONValue {
        var items: [JSONValue] = []
        for model in try await service.registeredModels() {
            items.append(
                .object([
                    ("name", .string(model.name)), ("description", .optional(model.description)),
                    ("aliases", .object(model.aliases.map { ($0.name, .int($0.version)) })),
                    ("latest_version", .int(model.latest.map(\.version).max() ?? 0)),
                    ("slot", try await governance.slot(of: model.name).json),
                ])
            )
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
    package func answer(_ body: PredictionBody, with model: ServedModel) throws -> JSONValue {
        let predictor = model.predictor
        let outputs = try body.outputs(of: predictor) { try self.outputs(of: $0, with: model) }
        let predictions = try outputs.map { try Prediction(predictor, $0).json }
        let (name, value): (String, JSONValue) =
            body.isSingle ? ("prediction", predictions[0]) : ("predictions", .array(predictions))
        return .object([(name, value), ("model", .string(model.name)), ("version", .int(model.version))])
    }
}
