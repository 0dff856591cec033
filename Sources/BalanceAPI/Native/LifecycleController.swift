import BalanceSystem
import BalanceCore
import BalanceNet
import Hummingbird

/// Deleting, restoring and purging runs and experiments.
struct LifecycleController: Sendable {
    let log: any RunLog
    let trash: any Trash

    var endpoints: [Endpoint] {
        [
            Endpoint(route("DELETE", "/runs/{run_id}", "Deletes a run; it can be restored."), .write) {
                try await setRun(.deleted, $1.runID(), $0, $1)
            },
            // The router takes `latest` for the newest run, which only a GET means.
            Endpoint(
                .init(
                    "DELETE",
                    "/runs/latest",
                    "Deletes the run with the ID 'latest'.",
                    answer: "Done",
                    failures: [.resourceNotFound]
                ),
                .write,
                on: .these { _, _ in [.run("latest")] }
            ) { try await setRun(.deleted, RunID(native: "latest"), $0, $1) },
            Endpoint(route("POST", "/runs/{run_id}/restore", "Restores a deleted run."), .write) {
                try await setRun(.active, $1.runID(), $0, $1)
            },
            Endpoint(route("DELETE", "/experiments/{experiment_id}", "Deletes an experiment and its runs."), .write) {
                try await setExperiment(.deleted, $0, $1)
            },
            Endpoint(
                route("POST", "/experiments/{experiment_id}/restore", "Restores an experiment and its runs."),
                .write
            ) { try await setExperiment(.active, $0, $1) },
            Endpoint(
                .init(
                    "POST",
                    "/purge",
                    "Permanently removes deleted items and frees their space.",
                    body: "PurgeRequest",
                    answer: "PurgeReport",
                    failures: [.invalidParameter, .resourceNotFound]
                ),
                .administer
            ) { .json(try await purge($0, $1)) },
        ]
    }

    private func route(_ method: String, _ path: String, _ summary: String) -> RouteDescription {
        RouteDescription(method, path, summary, answer: "Done", failures: [.resourceNotFound, .invalidParameter])
    }

    private func setRun(
        _ stage: LifecycleStage,
        _ id: RunID,
        _ request: Request,
        _ context: AppContext
    ) async throws -> Response {
        let actor = try Actor(request, context, otherwise: "api")
        try await log.setStage(stage, ofRun: id, by: actor, at: .now())
        return .json(.object([("ok", .bool(true))]))
    }

    private func setExperiment(
        _ stage: LifecycleStage,
        _ request: Request,
        _ context: AppContext
    ) async throws -> Response {
        let actor = try Actor(request, context, otherwise: "api")
        let id = try ExperimentsController.id(context.text("experiment_id"))
        try await log.setStage(stage, ofExperiment: id, by: actor, at: .now())
        return .json(.object([("ok", .bool(true))]))
    }

    private func purge(_ request: Request, _ context: AppContext) async throws -> JSONValue {
        let fields = try await MLflowFields.body(request)
        if fields.isMalformed { throw Failure(.invalidParameter, "The body must be a JSON object.", hint: "send {}") }
        try fields.requireNoNull()
        let days = try fields.integer("older_than_days")
        if let days, !(0...100_000).contains(days) { throw fields.invalid("older_than_days", .int(days)) }
        return try await trash.purge(
            PurgeRequest(
                runIDs: fields.texts("run_ids").map { RunID(native: $0) },
                experimentIDs: fields.texts("experiment_ids").map(ExperimentsController.id),
                before: days.map { Timestamp.now().addingDays(-$0) },
                isDryRun: fields.flag("dry_run")
            ),
            by: Actor(request, context, otherwise: "api")
        ).json
    }
}
