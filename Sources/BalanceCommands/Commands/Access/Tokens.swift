import ArgumentParser
import BalanceCore
import BalanceService

/// `balanceops tokens`.
struct Tokens: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens",
        abstract: "Manages the tokens that programs prove themselves by.",
        subcommands: [TokensCreate.self, TokensList.self, TokensRevoke.self, TokensRotate.self]
    )
    static let examples = TokensCreate.examples + TokensRotate.examples
}

/// `balanceops tokens create`.
struct TokensCreate: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Creates a token and prints it once.",
        discussion: """
            A token may do what its account may, or less. MLflow's client takes it as MLFLOW_TRACKING_TOKEN, or as the
            password beside any user name; balanceops as BALANCEOPS_TOKEN.
            """
    )
    static let examples = [
        "balanceops tokens create --user ci --note nightly --permission read --permission write --experiments team-a",
        "balanceops tokens create --user shop --permission predict --model credit --days 365",
    ]

    @OptionGroup(title: "Files or server") var accountOptions: AccountOptions
    @Option(help: "The account; on a server yours when omitted.") var user: String?
    @Option(help: "What it is for.") var note = ""
    @Option(help: "Only this: read, predict, write, promote, approve, operate or administer; can be repeated.")
    var permission: [String] = []
    @Option(help: "Only this model; a * at the end stands for any ending; can be repeated.") var model: [String] = []
    @Option(help: "Only the experiments of this folder; can be repeated.") var experiments: [String] = []
    @Option(help: "For how many days it holds, up to 365.") var days = 90
    @Flag(help: "It holds until it is revoked.") var neverExpires = false

    func run() async throws {
        let scopes = model.map { "model:\($0)" } + experiments.map { "experiments:\($0)" }
        let limit = try TokenLimit(permissions: permission, scopes: scopes)
        let new = AccountService.NewToken(note: note, limit: limit, days: neverExpires ? nil : days)
        let made = try await accountOptions.place().createToken(new, for: user)
        if accountOptions.json { return Output.json(made) }
        Output.line(made["token"]?.string ?? "")
        Output.note("[OK] token \(made["id"]?.string ?? "") of \(made["account"]?.string ?? ""): it is not shown again")
    }
}

/// `balanceops tokens list`.
struct TokensList: ExemplifiedCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists tokens, without their texts.")
    static let examples = ["balanceops tokens list --user ci"]

    @OptionGroup(title: "Files or server") var accountOptions: AccountOptions
    @Option(help: "Only those of this account.") var user: String?

    func run() async throws {
        let answer = try await accountOptions.place().tokens(of: user)
        if accountOptions.json { return Output.json(answer["items"] ?? .array([])) }
        let rows = (answer["items"]?.elements ?? []).map { token -> [String] in
            let limits = (token["permissions"]?.strings ?? []) + (token["scopes"]?.strings ?? [])
            let state =
                token["revoked_at"]?.string.map { "revoked \($0)" }
                ?? "until \(token["expires_at"]?.string ?? "revoked")"
            return [
                token["id"]?.string ?? "", token["account"]?.string ?? "",
                limits.isEmpty ? "all that the account may" : limits.joined(separator: ", "), state,
                token["last_used_at"]?.string.map { "used \($0)" } ?? "never used", token["note"]?.string ?? "",
            ]
        }
        TextTable.lines(rows).forEach(Output.line)
    }
}

/// `balanceops tokens revoke`.
struct TokensRevoke: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Revokes a token: the next request with it is refused, also on connections that are open."
    )
    static let examples = ["balanceops tokens revoke 4f9KxQ2mZt7a"]

    @OptionGroup(title: "Files or server") var accountOptions: AccountOptions
    @Argument(help: "The ID of the token: the 12 characters behind bops_.") var id: String

    func run() async throws {
        try await accountOptions.place().revokeToken(id)
        Output.ok("revoked \(id)")
    }
}

/// `balanceops tokens rotate`.
struct TokensRotate: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Gives a token a new text and prints it once; the old one holds for a while."
    )
    static let examples = ["balanceops tokens rotate 4f9KxQ2mZt7a --grace-hours 24"]

    @OptionGroup(title: "Files or server") var accountOptions: AccountOptions
    @Argument(help: "The ID of the token.") var id: String
    @Option(help: "For how many hours the old text holds; 0: not at all.") var graceHours = 24

    func run() async throws {
        let text = try await accountOptions.place().rotateToken(id, hours: graceHours)
        if accountOptions.json { return Output.json(.object([("id", .string(id)), ("token", .string(text))])) }
        Output.line(text)
    }
}
