import ArgumentParser
import BalanceCore
import Foundation

/// `balanceops rollback`.
struct Rollback: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Goes back to the version that served before, or to another one.",
        discussion: """
            Prints from and to, and what was true of the target, before anything changes. The policy is not asked, so that
            going back is always possible; what it says is printed and recorded. Without a terminal --yes is needed.
            """
    )
    static let examples = [
        "balanceops rollback credit --reason \"complaints from branch 7\"",
        "balanceops rollback credit --to 5 --reason \"known good\" --yes",
    ]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @Argument(help: "The registered model.") var model: String
    @Option(help: "The version to go back to; otherwise the one that served before.") var to: Int?
    @Option(help: "Why.") var reason: String?
    @Flag(help: "Do not ask.") var yes = false
    @Flag(help: "Print what would be done, and change nothing.") var dryRun = false
    @Option(help: "Refuse where the model is at another generation.") var expectGeneration: Int?
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        if reason == nil, !dryRun { throw ValidationError("Give --reason WHY.") }
    }

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        let plan = try await workspace.promotions.planRollback(of: model, to: to)
        if !json { Self.lines(plan).forEach(Output.line) }
        if dryRun {
            if json { Output.json(plan.json) }
            return
        }
        try confirm()
        // What was shown is what is done: a move in between refuses.
        let request = actorOptions.request(reason: reason ?? "", expecting: expectGeneration ?? plan.slot.generation)
        let result = try await workspace.promotions.rollBack(model, to: plan.target.version, by: request)
        if json { return Output.json(result.json) }
        Output.ok("\(model): version \(plan.target.version) serves, generation \(result.slot.generation)")
    }

    private func confirm() throws {
        if yes { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw ValidationError("There is no terminal to ask on: add --yes to go on, or --dry-run to look only.")
        }
        Output.note("Go back? [y/N]")
        guard ["y", "yes"].contains((readLine() ?? "").lowercased()) else {
            Output.note("nothing changed")
            throw ExitCode(1)
        }
    }

    private static func lines(_ plan: PromotionService.RollbackPlan) -> [String] {
        let from = plan.slot.version.map { "version \($0)" } ?? "nothing"
        var lines = ["\(plan.slot.model): \(from) -> version \(plan.target.version)"]
        if let served = plan.served {
            lines.append("  it served from \(served.at.iso8601) on, by \(served.actor)")
        } else {
            lines.append("  it never served")
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
    var reason: String { get }
}

extension ModelWord {
    func act(_ done: String, _ body: (Workspace, TransitionRequest) async throws -> Void) async throws {
        let workspace = try await Workspace.open(options.load())
        try await body(workspace, actorOptions.request(reason: reason))
        Output.ok(done)
    }
}

/// `balanceops freeze`.
struct Freeze: ModelWord {
    static let configuration = CommandConfiguration(
        commandName: "freeze",
        abstract:
            "Keeps a model as it is, no promotion, no rollback, no other policy, until unfreeze; only --force goes past it."
    )
    static let examples = ["balanceops freeze credit --reason \"year-end closing\""]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @Argument(help: "The registered model.") var model: String
    @Option(help: "Why.") var reason: String

    func run() async throws {
        try await act("\(model) is frozen") { _ = try await $0.governance.freeze(model, by: $1) }
    }
}

/// `balanceops unfreeze`.
struct Unfreeze: ModelWord {
    static let configuration = CommandConfiguration(
        commandName: "unfreeze",
        abstract: "Lets a frozen model move again."
    )
    static let examples = ["balanceops unfreeze credit --reason \"closing is done\""]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @Argument(help: "The registered model.") var model: String
    @Option(help: "Why.") var reason: String

    func run() async throws {
        try await act("\(model) may move again") { _ = try await $0.governance.unfreeze(model, by: $1) }
    }
}

/// `balanceops quarantine`.
struct Quarantine: ModelWord {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Keeps a version from ever serving, also by rollback or force, until release."
    )
    static let examples = ["balanceops quarantine credit 6 --reason \"trained on leaked labels\""]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @OptionGroup var place: VersionArguments
    @Option(help: "Why.") var reason: String

    func run() async throws {
        try await act("version \(place.version) of \(place.model) is in quarantine") {
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
    @OptionGroup var place: VersionArguments
    @Option(help: "Why.") var reason: String

    func run() async throws {
        try await act("version \(place.version) of \(place.model) may serve again") {
            try await $0.governance.release(place.version, of: place.model, by: $1)
        }
    }
}

/// `balanceops approve`.
struct Approve: ModelWord {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Gives your word for a version, as its policy asks for.",
        discussion: """
            An approval holds for this file, this policy and this generation: whatever of them changes voids it. Roles are
            the model's tags `role:NAME`, with names and commas in between.
            """
    )
    static let examples = ["balanceops approve credit 8 --reason \"looked at the errors by branch\" --actor min"]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @OptionGroup var place: VersionArguments
    @Option(help: "Why.") var reason: String

    func run() async throws {
        try await act("\(actorOptions.name) approved version \(place.version) of \(place.model)") {
            _ = try await $0.governance.approve(place.version, of: place.model, by: $1)
        }
    }
}
