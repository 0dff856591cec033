import BalanceCore
import HTTPTypes
import Hummingbird

/// `metrics/…` of MLflow's API.
struct HistoryController: Sendable {
    let log: any RunLog

    /// The most points that one answer holds where the request sets no limit.
    private static let most = 1_000_000
    private static let maximumRuns = 100

    var endpoints: [MLflowEndpoint] {
        [
            MLflowEndpoint(.get, "metrics/get-history", "A metric's history.", responder: { try await history($0) }),
            MLflowEndpoint(.get, "metrics/get-history-bulk-interval", "An even sample of several histories.") {
                try await sample($0)
            },
            MLflowEndpoint(.get, "metrics/get-history-bulk", "Several histories.", isAjaxOnly: true) {
                try await bulk($0)
            },
        ]
    }

    private func history(_ fields: MLflowFields) async throws -> Response {
        let id = try TrackingController.id(fields)
        let key = try fields.required("metric_key")
        let limit = try fields.integer("max_results")
        if let limit, !(1...Self.most).contains(limit) { throw fields.outOfRange("max_results", limit, Self.most) }
        let after = try PageToken.place(fields.text("page_token"))
        return try await HistoryStream(log: log, key: key, run: id, limit: limit ?? Self.most).response(after: after)
    }

    private func bulk(_ fields: MLflowFields) async throws -> JSONValue {
        let runs = try runs(fields, "run_id")
        let key = try fields.required("metric_key")
        var rest = min(max(try fields.integer("max_results") ?? 25_000, 1), 25_000)
        var points: [JSONValue] = []
        for run in runs.sorted(by: { $0.stored < $1.stored }) where rest > 0 {
            let found = try await log.history(of: key, run: run, limit: rest, after: nil).items
            points += found.map { MLflowJSON.metric($0, of: run) }
            rest -= found.count
        }
        return MLflowJSON.object([("metrics", .array(points))])
    }

    /// At most `max_results` points of each run, evenly spread over its steps, the first and the last among them.
    private func sample(_ fields: MLflowFields) async throws -> JSONValue {
        let runs = try runs(fields, "run_ids")
        let key = try fields.required("metric_key")
        let limit = try fields.integer("max_results") ?? 320
        guard (1...2500).contains(limit) else { throw fields.outOfRange("max_results", limit, 2500) }
        let start = try fields.integer("start_step")
        let end = try fields.integer("end_step")
        guard (start == nil) == (end == nil) else {
            throw Failure(.invalidParameter, "If either start step or end step are specified, both must be specified.")
        }
        if let start, let end, start > end {
            throw Failure(.invalidParameter, "end_step must be greater than start_step. ")
        }
        let steps = (start ?? .min)...(end ?? .max)
        var points: [JSONValue] = []
        for run in runs {
            let found = try await log.sample(of: key, run: run, steps: steps, limit: limit)
            points += found.map { MLflowJSON.metric($0, of: run) }
        }
        return MLflowJSON.object([("metrics", .array(points))])
    }

    private func runs(_ fields: MLflowFields, _ name: String) throws -> [RunID] {
        let ids = try fields.texts(name)
        guard !ids.isEmpty else { throw fields.missing(name) }
        guard ids.count <= Self.maximumRuns else {
            throw Failure(
                .invalidParameter,
                "GetMetricHistoryBulk request cannot specify more than \(Self.maximumRuns) run_ids. "
                    + "Received \(ids.count) run_ids."
            )
        }
        return ids.map { RunID(native: $0) }
    }
}
