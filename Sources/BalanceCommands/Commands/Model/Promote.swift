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

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
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
        guard modelPath == nil else { return try await promoteFile() }
        let api = try await place.api(as: actorOptions)
        let name = model ?? self.name
        let creates = model == nil && (create || name == defaultModelName)
        let hint = "balanceops models list lists the models" + (model == nil ? "; --create creates this one" : "")
        if !creates { try await api.requireModel(name, or: hint) }
        if model != nil, reason == nil, !dryRun {
            throw Failure(.invalidArgument, "missing reason for the promotion", hint: "add --reason WHY")
        }
        let action = force ? "force" : "promote"
        let answer: JSONValue
        do {
            answer = try await api.value("POST", "/models/\(name.percentEncoded)/\(action)", body: body(creates))
        } catch let failure as Failure {
            // What the policy decided stands in the details.
            if let decision = failure.details, decision["decision"] != nil {
                Self.show(decision, of: name, asJSON: json)
            }
            throw failure
        }
        if dryRun { return try Self.report(answer, of: name, asJSON: json) }
        if json { return Output.json(answer) }
        Output.ok(Self.sentence(answer, of: name))
    }

    private func body(_ creates: Bool) -> JSONValue {
        var body: [(String, JSONValue)] = [("reason", .string(reason ?? "")), ("dry_run", .bool(dryRun))]
        body.append(version.map { ("version", .int($0)) } ?? ("run_id", .string(runId ?? "latest")))
        if creates { body.append(("create", .bool(true))) }
        if let ifDecision { body.append(("if_decision", .string(ifDecision))) }
        body.append(expectGeneration.map { ("expected_generation", .int($0)) } ?? ("allow_any", .bool(true)))
        return .object(body)
    }

    private static func sentence(_ answer: JSONValue, of model: String) -> String {
        if let run = answer["run_id"]?.string {
            return "promoted run_id=\(run) -> \(answer["path"]?.string ?? "")"
        }
        let version = "version \(answer["to_version"]?.integer ?? 0)"
        if answer["noop"]?.boolean == true { return "\(version) of \(model) is already current" }
        let from = answer["from_version"]?.integer.map { "version \($0)" } ?? "nothing"
        let reason = answer["decision"]?["reason"]?.string ?? ""
        return "\(model): \(from) -> \(version), generation \(answer["generation"]?.integer ?? 0) (\(reason))"
    }

    private static func show(_ decision: JSONValue, of model: String, asJSON: Bool) {
        if asJSON { return Output.json(decision) }
        Output.line("\(model): \(DecisionTable.headline(decision))")
        DecisionTable.lines(decision).forEach(Output.line)
    }

    /// Prints a decision; anything but a promotion becomes the exit status that a promotion would have had.
    static func report(_ decision: JSONValue, of model: String, asJSON: Bool) throws {
        show(decision, of: model, asJSON: asJSON)
        if !asJSON { Output.line("  decision \(decision["decision_hash"]?.string ?? "")") }
        switch decision["decision"]?.string {
        case "reject": throw ExitCode(Failure.Code.promotionRefused.row.exit)
        case "hold": throw ExitCode(Failure.Code.promotionHeld.row.exit)
        default: return
        }
    }

    /// Promotes a file of this machine instead of the one that the run recorded.
    private func promoteFile() async throws {
        try place.requireFiles("--model-path")
        if dryRun { throw ValidationError("--model-path and --dry-run cannot be used together.") }
        let workspace = try await Workspace.open(place.options.load())
        if !create, name != defaultModelName { _ = try await workspace.models.model(name) }
        let request = try await actorOptions.request(in: workspace, reason: reason ?? "", expecting: expectGeneration)
        let result = try await workspace.runPromotion.promote(
            runId.map { RunID(native: $0) },
            of: name,
            file: modelPath,
            by: request
        )
        if json { return Output.json(result.json) }
        Output.ok(Self.sentence(result.json, of: name))
    }
}
