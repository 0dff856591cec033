import BalanceSystem
import BalanceCore

/// The answers that requests with a key got, for a day.
enum IdempotencyRows {
    /// The answer that the same request got before, or nil.
    ///
    /// - Throws: `Failure` with code `idempotencyMismatch` where another request had that key.
    static func answer(
        to request: TransitionRequest,
        _ kind: Transition.Kind,
        model: String,
        _ connection: any SQLConnection
    ) throws -> TransitionResult? {
        guard let key = request.idempotencyKey else { return nil }
        let rows = try connection.rows(
            "SELECT request_hash, response_json FROM idempotency WHERE key = ? AND at_ms > ?",
            [.text(key), .integer(Timestamp.now().addingDays(-1).milliseconds)]
        )
        guard let row = rows.first else { return nil }
        guard row.text(0) == request.fingerprint(kind, model) else {
            throw Failure(
                .idempotencyMismatch,
                "The Idempotency-Key '\(key)' was used for a different request.",
                hint: "use a new key for a new request"
            )
        }
        guard let answer = TransitionResult(try JSONValue(parsing: row.text(1) ?? "")) else {
            throw Failure(.internalError, "the answer that was kept for the Idempotency-Key '\(key)' cannot be read")
        }
        return answer
    }

    static func keep(
        _ result: TransitionResult,
        for request: TransitionRequest,
        model: String,
        _ connection: any SQLConnection
    ) throws {
        guard let key = request.idempotencyKey else { return }
        let now = Timestamp.now()
        try connection.execute("DELETE FROM idempotency WHERE at_ms <= ?", [.integer(now.addingDays(-1).milliseconds)])
        try connection.execute(
            "INSERT INTO idempotency (key, request_hash, response_json, at_ms) VALUES (?, ?, ?, ?) "
                + "ON CONFLICT (key) DO NOTHING",
            [
                .text(key), .text(request.fingerprint(result.kind, model)), .text(result.json.text()),
                .integer(now.milliseconds),
            ]
        )
    }
}
