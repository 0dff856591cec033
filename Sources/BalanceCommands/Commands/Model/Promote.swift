import ArgumentParser
import BalanceCore

/// `balanceops promote`.
struct Promote: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Makes a run's model the current one.",
        discussion: """
            The file is loaded and tried first. Naming a run here is a person's decision: the policy is not asked, and the
            audit trail says so. Exit status: 0 done, 2 run not found, 3 the run has no model, 4 its file is missing,
            5 its file cannot be served.
            """
    )
    static let examples = ["balanceops promote --latest"]

    @OptionGroup var options: SettingsOptions
    @Option(help: "The run to promote.") var runId: String?
    @Flag(help: "Promote the newest run.") var latest = false
    @Option(help: "Another file than the one that the run recorded.") var modelPath: String?
    @Option(help: "The registered model.") var name = defaultModelName
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        if (runId == nil) != latest { throw ValidationError("Give either --run-id RUN or --latest.") }
    }

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        let run = runId.map { RunID(native: $0) }
        let result = try await ManualPromotion(run: run, modelPath: modelPath, name: name).run(in: workspace)
        if json {
            return Output.json(
                .object([
                    ("ok", .bool(true)), ("run_id", .string(result.run.native)), ("name", .string(name)),
                    ("path", .string(result.path)),
                ])
            )
        }
        Output.ok("promoted run_id=\(result.run) -> \(result.path)")
    }
}

/// The promotion behind `promote` and `e2e`; without a run: of the newest one.
struct ManualPromotion {
    var run: RunID?
    var modelPath: String?
    var name = defaultModelName

    func run(in workspace: Workspace) async throws -> (run: RunID, path: String) {
        let detail = try await detail(in: workspace)
        let id = detail.summary.id
        let artifacts = detail.artifacts
        let preferred = ["model_candidate", "model_current", "model"].lazy.compactMap { kind in
            artifacts.first { $0.kind == kind && !$0.path.isEmpty }
        }.first
        guard let path = modelPath ?? preferred?.path ?? artifacts.first?.path else {
            throw Failure(
                .noModelArtifact,
                "no model artifact found for run_id: \(id)",
                hint: "balanceops promote --run-id \(id) --model-path FILE"
            )
        }
        let outcome = try await workspace.promoter.promote(
            modelPath ?? workspace.artifacts.resolve(path) ?? path,
            run: id,
            metrics: detail.summary.metrics,
            name: name,
            policy: nil,
            actor: "promote"
        )
        return (id, outcome.path)
    }

    private func detail(in workspace: Workspace) async throws -> RunDetail {
        guard let run else {
            if let latest = try await latestRun(workspace.tracking, workspace.artifacts) { return latest }
            throw Failure(.runNotFound, "no run exists yet", hint: "balanceops train-dummy")
        }
        if let detail = try await workspace.tracking.run(run) { return detail }
        throw Failure(.runNotFound, "run_id not found: \(run)", hint: "GET /runs or the dashboard lists the runs")
    }
}
