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
        let input = try PredictRequest(
            body: Array(buffer.readableBytesView),
            contentType: request.headers[.contentType]
        )
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
        let probabilities = model.predictor.probabilities(input.features)
        guard probabilities.count > 1, probabilities[1].isFinite else {
            throw Failure(
                .internalError,
                "Unexpected server error.",
                details: .object([("type", .string("PredictionNotFinite"))])
            )
        }
        return .object([("p_win", .double(probabilities[1]))])
    }
}
