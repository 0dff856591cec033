import BalanceService
import ArgumentParser
import BalanceCore
import Foundation

/// `balanceops rollback`.
struct Rollback: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Rolls back to the previous version, or to the given version.",
        discussion: """
            Prints the source and target versions and the target's history before anything changes. A rollback does not
            need the policy's approval; the policy's decision is printed and recorded. --yes is required without a
            terminal.
            """
    )
    static let examples = [
        "balanceops rollback credit --reason \"complaints from branch 7\"",
        "balanceops rollback credit --to 5 --reason \"known good\" --yes",
    ]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @OptionGroup var serverOptions: ServerOptions
    @Argument(help: "The registered model.") var model: String
    @Option(help: "The version to roll back to; defaults to the previous version.") var to: Int?
    @Option(help: "Why.") var reason: String?
    @Flag(help: "Do not ask for confirmation.") var yes = false
    @Flag(help: "Print the plan, and change nothing.") var dryRun = false
    @Option(help: "Fail if the model is at a different generation.") var expectGeneration: Int?
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        if reason == nil, !dryRun { throw ValidationError("Pass --reason WHY.") }
    }

    func run() async throws {
        if let client = serverOptions.client { return try await run(on: client) }
        let workspace = try await Workspace.open(options.load())
        let plan = try await workspace.promotions.planRollback(of: model, to: to)
        if !json { Self.lines(plan).forEach(Output.line) }
        if dryRun {
            if json { Output.json(plan.json) }
            return
        }
        try confirm()
        // What was shown is what is done: a move in between refuses.
        let request = try await actorOptions.request(
            in: workspace,
            reason: reason ?? "",
            expecting: expectGeneration ?? plan.slot.generation
        )
        let result = try await workspace.promotions.rollBack(model, to: plan.target.version, by: request)
        if json { return Output.json(result.json) }
        Output.ok("\(model): version \(plan.target.version) serves, generation \(result.slot.generation)")
    }

    private func run(on client: APIClient) async throws {
        let path = "/models/\(model.percentEncoded)/rollback"
        var asked: [(String, JSONValue)] = [("dry_run", .bool(true))]
        if let to { asked.append(("to", .int(to))) }
        let plan = try await client.value("POST", path, body: .object(asked))
        let (from, target) = (plan["from_version"]?.integer, plan["to_version"]?.integer ?? 0)
        if !json { Output.line("\(model): \(from.map { "version \($0)" } ?? "nothing") -> version \(target)") }
        if dryRun {
            if json { Output.json(plan) }
            return
        }
        try confirm()
        let generation = expectGeneration ?? plan["slot"]?["generation"]?.integer ?? 0
        let result = try await client.value(
            "POST",
            path,
            body: .object([
                ("to", .int(target)), ("reason", .string(reason ?? "")), ("expected_generation", .int(generation)),
            ])
        )
        if json { return Output.json(result) }
        Output.ok("\(model): version \(target) serves")
    }

    private func confirm() throws {
        if yes { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw ValidationError("No terminal for confirmation: add --yes to proceed, or --dry-run to print the plan.")
        }
        Output.note("Roll back? [y/N]")
        guard ["y", "yes"].contains((readLine() ?? "").lowercased()) else {
            Output.note("nothing changed")
            throw ExitCode(1)
        }
    }

    private static func lines(_ plan: PromotionService.RollbackPlan) -> [String] {
        let from = plan.slot.version.map { "version \($0)" } ?? "nothing"
        var lines = ["\(plan.slot.model): \(from) -> version \(plan.target.version)"]
        if let served = plan.served {
            lines.append("  served from \(served.at.iso8601), promoted by \(served.actor)")
        } else {
            lines.append("  never served")
        }
        lines.append("  file     \(plan.target.digest.map { "SHA-256 \($0.prefix(16))" } ?? "unknown")")
        lines.append("  metrics  \(Output.dict(plan.target.metrics))")
        lines.append("  advice   \(DecisionTable.headline(plan.decision.json))")
        return lines
    }
}

/// A command about one model that takes a reason.
protocol ModelWord: ExemplifiedCommand {
    var options: SettingsOptions { get }
    var actorOptions: ActorOptions { get }
    var serverOptions: ServerOptions { get }
    var reason: String { get }
}

extension ModelWord {
    /// Does it on the files, or at the path of a server.
    func act(
        _ done: String,
        at path: String,
        _ body: (Workspace, TransitionRequest) async throws -> Void
    ) async throws {
        if let client = serverOptions.client {
            let answer = try await client.value("POST", path, body: .object([("reason", .string(reason))]))
            return Output.ok(done.replacing("{actor}", with: answer["actor"]?.string ?? ""))
        }
        let workspace = try await Workspace.open(options.load())
        let request = try await actorOptions.request(in: workspace, reason: reason)
        try await body(workspace, request)
        Output.ok(done.replacing("{actor}", with: request.actor.name))
    }
}

/// `balanceops freeze`.
struct Freeze: ModelWord {
    static let configuration = CommandConfiguration(
        commandName: "freeze",
        abstract:
            "Freezes a model: no promotion, rollback or policy change until unfreeze; only --force overrides it."
    )
    static let examples = ["balanceops freeze credit --reason \"year-end closing\""]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @OptionGroup var serverOptions: ServerOptions
    @Argument(help: "The registered model.") var model: String
    @Option(help: "Why.") var reason: String

    func run() async throws {
        try await act("\(model) is frozen", at: "/models/\(model.percentEncoded)/freeze") {
            _ = try await $0.governance.freeze(model, by: $1)
        }
    }
}

/// `balanceops unfreeze`.
struct Unfreeze: ModelWord {
    static let configuration = CommandConfiguration(
        commandName: "unfreeze",
        abstract: "Unfreezes a model."
    )
    static let examples = ["balanceops unfreeze credit --reason \"closing is done\""]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @OptionGroup var serverOptions: ServerOptions
    @Argument(help: "The registered model.") var model: String
    @Option(help: "Why.") var reason: String

    func run() async throws {
        try await act("\(model) is unfrozen", at: "/models/\(model.percentEncoded)/unfreeze") {
            _ = try await $0.governance.unfreeze(model, by: $1)
        }
    }
}

/// `balanceops quarantine`.
struct Quarantine: ModelWord {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Prevents a version from serving, even by rollback or --force, until release."
    )
    static let examples = ["balanceops quarantine credit 6 --reason \"trained on leaked labels\""]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @OptionGroup var serverOptions: ServerOptions
    @OptionGroup var place: VersionArguments
    @Option(help: "Why.") var reason: String

    func run() async throws {
        try await act("version \(place.version) of \(place.model) is in quarantine", at: place.path("quarantine")) {
            try await $0.governance.quarantine(place.version, of: place.model, by: $1)
        }
    }
}

/// `balanceops release`.
struct Release: ModelWord {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Takes a version out of quarantine."
    )
    static let examples = ["balanceops release credit 6 --reason \"labels were checked\""]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @OptionGroup var serverOptions: ServerOptions
    @OptionGroup var place: VersionArguments
    @Option(help: "Why.") var reason: String

    func run() async throws {
        try await act(
            "version \(place.version) of \(place.model) is released from quarantine",
            at: place.path("release")
        ) {
            try await $0.governance.release(place.version, of: place.model, by: $1)
        }
    }
}

/// `balanceops approve`.
struct Approve: ModelWord {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Approves a version, if its policy requires approvals.",
        discussion: """
            An approval is valid for one model file, policy and generation; a change to any of them invalidates it.
            Roles are tags of the model: `role:NAME`, with a comma-separated list of users as the value. Where there are
            accounts, only somebody who is signed in can approve: on the server's pages, or with --server and a token.
            """
    )
    static let examples = ["balanceops approve credit 8 --reason \"looked at the errors by branch\" --actor min"]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @OptionGroup var serverOptions: ServerOptions
    @OptionGroup var place: VersionArguments
    @Option(help: "Why.") var reason: String

    func run() async throws {
        try await act("{actor} approved version \(place.version) of \(place.model)", at: place.path("approve")) {
            _ = try await $0.governance.approve(place.version, of: place.model, by: $1)
        }
    }
}
