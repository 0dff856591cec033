import BalanceService
import BalanceCore
import BalanceNet
import Hummingbird
import NIOCore

/// `POST /predict`.
struct PredictController: Sendable {
    /// The most that a body may hold, in bytes: over 40 000 features.
    static let maximumBody = 1 << 20

    let service: ModelService

    var endpoints: [Endpoint] {
        [Endpoint(Self.route, .predict, on: .model) { request, _ in .json(try await predict(request)) }]
    }

    private static let route = RouteDescription(
        "POST",
        "/predict",
        "The probability of class 1 for one row of features.",
        body: "PredictRequest",
        answer: "PredictResponse",
        or: ["Predictions"],
        failures: [
            .validation, .featureSizeMismatch, .noCurrentModel, .currentModelLoadFailed, .bodyTooLarge, .internalError,
            .modelUnloaded,
        ]
    )

    private func predict(_ request: Request) async throws -> JSONValue {
        let buffer = try await request.bytes(upTo: min(Self.maximumBody, TextBodies.limit))
        let value = try PredictRequest.parse(Array(buffer.readableBytesView), request.headers[.contentType])
        let body = try PredictionBody(value)
        if !body.isOriginal {
            let (model, service) = (try await service.model(defaultModelName, version: nil), self.service)
            return try await service.asking(model, rows: body.count) { try service.answer(body, with: model) }
        }
        let (cells, model) = try await cells(value, body)
        let service = self.service
        let outputs = try await service.asking(model, rows: 1) {
            try body.outputs(of: model.predictor) { _ in try service.outputs(of: [cells], with: model) }[0]
        }
        let prediction = try Prediction(model.predictor, outputs).json
        if let chance = prediction["p_win"] { return .object([("p_win", chance)]) }
        // What is no chance of two has more to say; several classes keep the original's member, the second one's chance.
        var members = [("prediction", prediction), ("model", JSONValue.string(model.name))]
        members.append(("version", .int(model.version)))
        if model.predictor.hasProbabilities, outputs.count > 1 { members.append(("p_win", .double(outputs[1]))) }
        return .object(members)
    }

    /// The row, with texts and missing values where the model takes them.
    private func cells(_ value: JSONValue, _ body: PredictionBody) async throws -> ([Cell], ServedModel) {
        if let model = try? await service.model(defaultModelName, version: nil), value["features"]?.elements != nil,
            model.predictor.acceptsMissing || !model.predictor.textFeatures.isEmpty
        {
            return (try body.rows(for: model.predictor)[0], model)
        }
        let input = try PredictRequest(value)
        let model = try await service.model(defaultModelName, version: nil)
        let expected = model.predictor.featureCount
        guard input.features.count == expected else {
            throw Failure(
                .featureSizeMismatch,
                "Feature length mismatch.",
                hint: "Call GET /version and send features with expected_n_features length.",
                details: .object([
                    ("expected_n_features", .int(expected)), ("got_n_features", .int(input.features.count)),
                ])
            )
        }
        return (input.features.map(Cell.number), model)
    }
}
