import BalanceCore
import Hummingbird
import NIOCore

/// `POST /predict`.
struct PredictController {
    /// The most that a body may hold, in bytes: over 40 000 features.
    static let maximumBody = 1 << 20

    let models: any ModelProvider

    static let route = RouteDescription(
        "POST",
        "/predict",
        "The probability of class 1 for one row of features.",
        body: "PredictRequest",
        answer: "PredictResponse",
        failures: [
            .validation, .featureSizeMismatch, .noCurrentModel, .currentModelLoadFailed, .bodyTooLarge, .internalError,
        ]
    )

    func predict(_ request: Request) async throws -> JSONValue {
        let buffer = try await request.body.collect(upTo: Self.maximumBody)
        let value = try PredictRequest.parse(Array(buffer.readableBytesView), request.headers[.contentType])
        let body = try PredictionBody(value)
        if !body.isOriginal { return try ModelsPredictController.answer(body, try await models.current()) }
        let input = try PredictRequest(value)
        let model = try await models.current()
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
        // Only of two classes is one the win; everything else is answered in full.
        guard model.predictor.classes.count == 2, model.predictor.hasProbabilities else {
            return try ModelsPredictController.answer(body, model)
        }
        let prediction = try Prediction(model.predictor, input.features).json
        return .object([("p_win", prediction["p_win"] ?? .null)])
    }
}
