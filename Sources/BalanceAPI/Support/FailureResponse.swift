package import BalanceCore
import BalanceNet
package import Hummingbird

extension Response {
    /// The error shape of MLflow's routes: `{"error_code", "message"}`; its client shows the message, so the hint is in it.
    package static func mlflowFailure(_ failure: Failure) -> Response {
        .json(mlflowBody(failure), status: .init(code: failure.code.row.status))
    }

    /// The body of that answer.
    static func mlflowBody(_ failure: Failure) -> JSONValue {
        let message = failure.publicMessage + (failure.hint.map { " (\($0))" } ?? "")
        return .object([("error_code", .string(failure.code.row.mlflow)), ("message", .string(message))])
    }

    /// The error shape of the Open Inference Protocol: `{"error"}`, with the hint in it.
    package static func inferenceFailure(_ failure: Failure) -> Response {
        let reason = failure.details?["message"]?.string.map { ": \($0)" } ?? ""
        let text = failure.publicMessage + reason + (failure.hint.map { " (\($0))" } ?? "")
        return .json(.object([("error", .string(text))]), status: .init(code: failure.code.row.status))
    }

    /// The error shape of MLflow's scoring server, which knows 400 for whatever is wrong with a request.
    package static func scoringFailure(_ failure: Failure) -> Response {
        let status = FailureDialect.scoring.status(failure.code)
        let first = failure.details?.elements?.first
        let place = first?["loc"]?.elements?.dropFirst().map { $0.string ?? "\($0.integer ?? 0)" }.joined(
            separator: "."
        )
        let reason = first?["msg"]?.string.map { " \(place ?? ""): \($0)" } ?? ""
        let hint = failure.hint.map { " (\($0))" } ?? ""
        let body = JSONValue.object([
            ("error_code", .string(status == 400 ? "BAD_REQUEST" : failure.code.row.mlflow)),
            ("message", .string(failure.publicMessage + reason + hint)),
        ])
        return .json(body, status: .init(code: status))
    }

    /// The one error shape: `{"ok": false, "error": {code, message, hint?, details?}, "request_id"}`.
    package static func failure(_ failure: Failure, requestID: String) -> Response {
        var error: [(String, JSONValue)] = [
            ("code", .string(failure.code.rawValue)), ("message", .string(failure.publicMessage)),
        ]
        if let hint = failure.hint { error.append(("hint", .string(hint))) }
        if let details = failure.details { error.append(("details", details)) }
        let body = JSONValue.object([
            ("ok", .bool(false)), ("error", .object(error)), ("request_id", .string(requestID)),
        ])
        return .json(body, status: .init(code: failure.code.row.status))
    }
}
