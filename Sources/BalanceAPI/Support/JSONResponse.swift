package import BalanceCore
package import Hummingbird
import NIOCore

extension Response {
    /// A JSON answer.
    package static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.bytes()))
        )
    }

    /// The error shape of MLflow's routes: `{"error_code", "message"}`; its client shows the message, so the hint is in it.
    package static func mlflowFailure(_ failure: Failure) -> Response {
        let message = failure.message + (failure.hint.map { " (\($0))" } ?? "")
        let body = JSONValue.object([
            ("error_code", .string(failure.code.row.mlflow)), ("message", .string(message)),
        ])
        return .json(body, status: .init(code: failure.code.row.status))
    }

    /// The one error shape: `{"ok": false, "error": {code, message, hint?, details?}, "request_id"}`.
    package static func failure(_ failure: Failure, requestID: String) -> Response {
        var error: [(String, JSONValue)] = [
            ("code", .string(failure.code.rawValue)), ("message", .string(failure.message)),
        ]
        if let hint = failure.hint { error.append(("hint", .string(hint))) }
        if let details = failure.details { error.append(("details", details)) }
        let body = JSONValue.object([
            ("ok", .bool(false)), ("error", .object(error)), ("request_id", .string(requestID)),
        ])
        return .json(body, status: .init(code: failure.code.row.status))
    }
}
