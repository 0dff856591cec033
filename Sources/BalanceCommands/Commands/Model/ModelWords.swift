import ArgumentParser
import BalanceCore

/// A command about one model that takes a reason.
protocol ModelWord: ExemplifiedCommand {
    var place: PlaceOptions { get }
    var actorOptions: ActorOptions { get }
    var reason: String { get }
    var json: Bool { get }
}

extension ModelWord {
    /// Asks for it and says that it is done; `{actor}` stands for who did it.
    func act(_ done: String, on model: String, _ path: String) async throws {
        let api = try await place.api(as: actorOptions)
        try await api.requireModel(model)
        let body = JSONValue.object([("reason", .string(reason))])
        let answer = try await api.value("POST", "/models/\(model.percentEncoded)/\(path)", body: body)
        if json { return Output.json(answer) }
        Output.ok(done.replacing("{actor}", with: answer["actor"]?.string ?? ""))
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

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "The registered model.") var model: String
    @Option(help: "Why.") var reason: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        try await act("\(model) is frozen", on: model, "freeze")
    }
}

/// `balanceops unfreeze`.
struct Unfreeze: ModelWord {
    static let configuration = CommandConfiguration(
        commandName: "unfreeze",
        abstract: "Unfreezes a model."
    )
    static let examples = ["balanceops unfreeze credit --reason \"closing is done\""]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "The registered model.") var model: String
    @Option(help: "Why.") var reason: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        try await act("\(model) is unfrozen", on: model, "unfreeze")
    }
}

/// `balanceops quarantine`.
struct Quarantine: ModelWord {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Prevents a version from serving, even by rollback or --force, until release."
    )
    static let examples = ["balanceops quarantine credit 6 --reason \"trained on leaked labels\""]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @OptionGroup var target: VersionArguments
    @Option(help: "Why.") var reason: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        try await act(
            "version \(target.version) of \(target.model) is in quarantine",
            on: target.model,
            target.path("quarantine")
        )
    }
}

/// `balanceops release`.
struct Release: ModelWord {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Takes a version out of quarantine."
    )
    static let examples = ["balanceops release credit 6 --reason \"labels were checked\""]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @OptionGroup var target: VersionArguments
    @Option(help: "Why.") var reason: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let done = "version \(target.version) of \(target.model) is released from quarantine"
        try await act(done, on: target.model, target.path("release"))
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

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @OptionGroup var target: VersionArguments
    @Option(help: "Why.") var reason: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let done = "{actor} approved version \(target.version) of \(target.model)"
        try await act(done, on: target.model, target.path("approve"))
    }
}
