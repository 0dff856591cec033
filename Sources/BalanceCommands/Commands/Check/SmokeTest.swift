import BalanceCore
import Foundation
import NIOCore

/// The smoke test behind `smoke-http` and `e2e`.
struct SmokeTest {
    static let defaultFeatures = [0.1, 0.2, -0.3, 1.0, 0.5, 0.0, -0.2, 0.9]

    var baseURL: String
    var timeoutSeconds = 10.0
    var retries = 0
    var retryDelaySeconds = 0.5
    var healthPath = "/health"
    var predictPath = "/predict"
    var features = Self.defaultFeatures
    var skipsPredict = false
    var allowsPredictFailure = false
    var failsOnMissingModel = false
    /// Whether only warnings and errors are printed.
    var isQuiet = false

    private struct Attempt {
        var status: Int?
        var answer: APIAnswer?
        var error: String?
        var isSuccess: Bool { answer?.isSuccess ?? false }
        var label: String { status.map { "HTTP \($0)" } ?? "no-status" }
    }

    /// - Returns: The exit status: 0 where all is well, else 1.
    func run() async throws -> Int32 {
        try APIClient(baseURL: base).check()
        say("base_url: \(base)")
        say("timeout_sec: \(timeoutSeconds), retries: \(retries), retry_delay_sec: \(retryDelaySeconds)")
        let health = await send("GET", slashed(healthPath), retries: retries, never: [404])
        guard health.isSuccess else {
            warn("\(slashed(healthPath)) FAILED (\(health.label)): \(health.error ?? "request failed")")
            return 1
        }
        say("\(slashed(healthPath)) OK (\(health.label)): \(text(health))")
        if skipsPredict {
            say("skip predict.")
            say("done.")
            return 0
        }
        return await predict()
    }

    private func predict() async -> Int32 {
        var row = features
        let version = await send("GET", "/version", retries: min(2, max(0, retries)), never: [404])
        if let expected = version.answer?.json?["expected_n_features"]?.integer, expected > 0 {
            row = fitted(expected)
            say("expected_n_features(from /version): \(expected) -> using \(row.count)")
        }
        var attempt = await predict(row)
        if attempt.status == 400,
            let expected = attempt.answer?.json?["error"]?["details"]?["expected_n_features"]?.integer, expected > 0
        {
            warn(
                "WARN feature mismatch -> retry with expected_n_features=\(expected) (len \(row.count) -> \(expected))"
            )
            attempt = await predict(fitted(expected))
        }
        return verdict(attempt)
    }

    private func verdict(_ attempt: Attempt) -> Int32 {
        let path = slashed(predictPath)
        if attempt.isSuccess {
            say("\(path) OK (\(attempt.label)): \(text(attempt))")
            say("done.")
            return 0
        }
        if attempt.status == 404 {
            warn("\(failsOnMissingModel ? "" : "WARN ")\(path) returned 404 (current model missing?)")
            return failsOnMissingModel ? 1 : 0
        }
        let reason = attempt.answer?.json?["error"]?["message"]?.string ?? attempt.error ?? "request failed"
        warn("\(allowsPredictFailure ? "WARN " : "")\(path) FAILED (\(attempt.label)): \(reason)")
        return allowsPredictFailure ? 0 : 1
    }

    private func predict(_ row: [Double]) async -> Attempt {
        let body = JSONValue.object([("features", .numbers(row))])
        return await send("POST", slashed(predictPath), body: body, retries: retries, never: [400, 404])
    }

    private func send(
        _ method: String,
        _ path: String,
        body: JSONValue? = nil,
        retries: Int,
        never: Set<Int>
    ) async -> Attempt {
        let client = APIClient(
            baseURL: base,
            timeout: .milliseconds(Int64(max(0.001, min(timeoutSeconds, 1e6)) * 1000))
        )
        let attempts = max(1, retries < Int.max ? retries + 1 : retries)
        for number in 1...attempts {
            var attempt = Attempt()
            do {
                let answer = try await client.send(method, path, body: body)
                attempt = Attempt(status: answer.status, answer: answer)
            } catch {
                attempt.error = Failure.from(error).message
            }
            if attempt.isSuccess || never.contains(attempt.status ?? 0) || number == attempts { return attempt }
            warn(
                "WARN \(method) \(path) attempt \(number)/\(attempts) failed (\(attempt.label)): "
                    + "\(attempt.error ?? "request failed"). retry in \(retryDelaySeconds)s"
            )
            try? await Task.sleep(for: .seconds(max(0, min(retryDelaySeconds, 1e6))))
        }
        return Attempt()
    }

    /// The features, repeated or cut to a length.
    private func fitted(_ count: Int) -> [Double] {
        features.isEmpty ? Array(repeating: 0, count: count) : (0..<count).map { features[$0 % features.count] }
    }

    private var base: String { String(baseURL.reversed().drop { $0 == "/" }.reversed()) }

    private func slashed(_ path: String) -> String { path.hasPrefix("/") ? path : "/" + path }

    private func text(_ attempt: Attempt) -> String {
        attempt.answer?.json?.text() ?? attempt.answer?.text.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
    }

    private func say(_ text: String) {
        if !isQuiet { Output.line("[smoke] \(text)") }
    }

    private func warn(_ text: String) { Output.note("[smoke] \(text)") }
}
