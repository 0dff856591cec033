import BalanceService
import BalanceCore

/// What a training command answers with.
struct TrainingReport {
    var runID: RunID
    var candidate: String
    var manifest: String
    var datasetMeta: String?
    var metrics: [Metric]
    var isPromoted = false
    var reason = "auto_promote disabled"
    var decision: Decision?

    /// Lets the policy decide that the model is bound to, else that of the original.
    mutating func promote(to name: String, in workspace: Workspace) async throws {
        let outcome = try await workspace.promotions.promote(
            candidate,
            of: name,
            run: runID,
            metrics: metrics,
            policy: .original,
            by: TransitionRequest(by: Actor(name: "train"))
        )
        isPromoted = outcome.decision.promotes
        reason = outcome.decision.reason
        decision = outcome.decision
    }

    func report(asJSON: Bool) {
        if asJSON { return Output.json(json) }
        Output.ok("run_id: \(runID)")
        Output.ok("candidate: \(candidate)")
        Output.ok("manifest: \(manifest)")
        if let datasetMeta { Output.ok("dataset_meta: \(datasetMeta)") }
        Output.ok("promoted: \(isPromoted ? "True" : "False") (\(reason))")
        Output.ok("metrics: \(Output.dict(metrics))")
    }

    private var json: JSONValue {
        .object([
            ("run_id", .string(runID.native)), ("candidate", .string(candidate)), ("manifest", .string(manifest)),
            ("dataset_meta", .optional(datasetMeta)), ("promoted", .bool(isPromoted)), ("reason", .string(reason)),
            ("decision", decision?.json ?? .null), ("metrics", metrics.json),
        ])
    }
}
