import BalanceService
import ArgumentParser
import BalanceCore

/// `balanceops promote`.
struct Promote: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Promotes a version, or the model of a run, to current.",
        discussion: """
            The model file is loaded and tested first. If the model is bound to a policy, the policy decides; otherwise
            the promotion is recorded as a manual decision. --force overrides the policy, and the audit trail records
            it.
            Exit status: 0 done, 2 run not found, 3 rejected by the policy or the run has no model, 4 model file
            missing, 5 model file cannot be served, 6 held by the policy, 7 changed by another request, 8 the model is
            frozen.
            """
    )
    static let examples = [
        "balanceops promote --latest", "balanceops promote credit 7 --reason \"retrained on Q3\"",
        "balanceops promote credit 7 --dry-run",
    ]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @OptionGroup var serverOptions: ServerOptions
    @Argument(help: "The registered model, followed by a version.") var model: String?
    @Argument(help: "The version number.") var version: Int?
    @Option(help: "The run to promote.") var runId: String?
    @Flag(help: "Promote the newest run.") var latest = false
    @Option(help: "A model file to use instead of the one recorded in the run.") var modelPath: String?
    @Option(help: "The registered model, with --run-id or --latest.") var name = defaultModelName
    @Option(help: "The reason; required with a version.") var reason: String?
    @Flag(help: "Print the decision, and change nothing.") var dryRun = false
    @Flag(help: "Override the policy; the reason must have at least 10 characters.") var force = false
    @Option(help: "Fail if the model is at a different generation.") var expectGeneration: Int?
    @Option(help: "Fail if the decision has a different hash.") var ifDecision: String?
    @Flag(help: "Create the model if it does not exist, with --run-id or --latest.") var create = false
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        if model != nil {
            if version == nil || runId != nil || latest || modelPath != nil {
                throw ValidationError("Pass MODEL VERSION, --run-id RUN, or --latest.")
            }
        } else {
            if (runId == nil) != latest {
                throw ValidationError("Pass only one of MODEL VERSION, --run-id RUN and --latest.")
            }
            if force { throw ValidationError("--force requires MODEL VERSION.") }
        }
    }

    func run() async throws {
        if let client = serverOptions.client { return try await run(on: client) }
        let workspace = try await Workspace.open(options.load())
        let request = try await actorOptions.request(
            in: workspace,
            reason: reason ?? "",
            expecting: expectGeneration,
            ifDecision: ifDecision
        )
        guard let model, let version else { return try await promoteRun(in: workspace, request) }
        try await Gate.requireModel(model, in: workspace, or: "balanceops models list lists the models")
        if reason == nil, !dryRun {
            throw Failure(.invalidArgument, "missing reason for the promotion", hint: "add --reason WHY")
        }
        if dryRun {
            let decision = try await workspace.promotions.preview(version, of: model)
            return try Self.report(decision.json, of: model, asJSON: json)
        }
        let result =
            try await force
            ? workspace.promotions.force(version, of: model, by: request)
            : workspace.promotions.promote(version, of: model, by: request)
        if !result.isNoop, let failure = PromotionService.failure(result.decision, "version \(version)", of: model) {
            if !json {
                Output.line("\(DecisionTable.headline(result.decision.json))")
                DecisionTable.lines(result.decision.json).forEach(Output.line)
            } else {
                Output.json(result.json)
            }
            throw failure
        }
        if json { return Output.json(result.json) }
        let from = result.from.map { "version \($0)" } ?? "nothing"
        Output.ok(
            result.isNoop
                ? "version \(version) of \(model) is already current"
                : "\(model): \(from) -> version \(version), generation \(result.slot.generation) (\(result.decision.reason))"
        )
    }

    private func run(on client: APIClient) async throws {
        guard let model, let version else {
            throw ValidationError("On a server pass MODEL VERSION: a run is registered first, as MLflow's client does.")
        }
        var body: [(String, JSONValue)] = [("version", .int(version))]
        let path = "/models/\(model.percentEncoded)"
        if dryRun {
            let answer = try await client.value(
                "POST",
                "\(path)/promote",
                body: .object(body + [("dry_run", .bool(true))])
            )
            return try Self.report(answer, of: model, asJSON: json)
        }
        guard let reason else {
            throw Failure(.invalidArgument, "missing reason for the promotion", hint: "add --reason WHY")
        }
        body.append(("reason", .string(reason)))
        if let ifDecision { body.append(("if_decision", .string(ifDecision))) }
        body.append(expectGeneration.map { ("expected_generation", .int($0)) } ?? ("allow_any", .bool(true)))
        let answer = try await client.value("POST", "\(path)/\(force ? "force" : "promote")", body: .object(body))
        if json { return Output.json(answer) }
        Output.ok("\(model): version \(version) serves")
    }

    /// Prints a decision; anything but a promotion becomes the exit status that a promotion would have had.
    static func report(_ decision: JSONValue, of model: String, asJSON: Bool) throws {
        if asJSON {
            Output.json(decision)
        } else {
            Output.line("\(model): \(DecisionTable.headline(decision))")
            DecisionTable.lines(decision).forEach(Output.line)
            Output.line("  decision \(decision["decision_hash"]?.string ?? "")")
        }
        switch decision["decision"]?.string {
        case "reject": throw ExitCode(Failure.Code.promotionRefused.row.exit)
        case "hold": throw ExitCode(Failure.Code.promotionHeld.row.exit)
        default: return
        }
    }

    private func promoteRun(in workspace: Workspace, _ request: TransitionRequest) async throws {
        let promotion = ManualPromotion(run: runId.map { RunID(native: $0) }, modelPath: modelPath, name: name)
        if !create, name != defaultModelName {
            try await Gate.requireModel(
                name,
                in: workspace,
                or: "balanceops models list lists the models; --create creates this one"
            )
        }
        if dryRun {
            let id = try await promotion.detail(in: workspace).summary.id
            let decision = try await workspace.promotions.explain(.run(id, in: workspace.tracking), of: name)
            return try Self.report(decision.json, of: name, asJSON: json)
        }
        let result = try await promotion.run(in: workspace, by: request)
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

    func run(in workspace: Workspace, by request: TransitionRequest) async throws -> (run: RunID, path: String) {
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
        if modelPath != nil, let bound = try await workspace.governance.boundPolicy(of: name) {
            throw Failure(
                .invalidArgument,
                "'\(name)' is bound to policy '\(bound.policy.name)', which cannot evaluate a file by a run's metrics",
                hint: "run balanceops models import FILE --name \(name), then promote that version"
            )
        }
        let outcome = try await workspace.promotions.promote(
            modelPath ?? workspace.artifacts.resolve(path) ?? path,
            of: name,
            run: id,
            metrics: detail.summary.metrics,
            by: request
        )
        if let failure = PromotionService.failure(outcome.decision, "run \(id)", of: name) { throw failure }
        return (id, try workspace.files.currentPath(of: name))
    }

    func detail(in workspace: Workspace) async throws -> RunDetail {
        guard let run else {
            if let latest = try await latestRun(workspace.tracking, workspace.artifacts) { return latest }
            throw Failure(.runNotFound, "no runs found", hint: "balanceops train-dummy")
        }
        if let detail = try await workspace.tracking.run(run) { return detail }
        throw Failure(.runNotFound, "run_id not found: \(run)", hint: "GET /runs or the dashboard lists the runs")
    }
}
