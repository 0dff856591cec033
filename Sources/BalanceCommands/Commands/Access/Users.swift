import ArgumentParser
import BalanceCore
import BalanceService
import Foundation

/// `balanceops users`.
struct Users: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "users",
        abstract: "Manages accounts and what they may do.",
        discussion: """
            On the files of a server it acts as os:USER, which the audit trail records. A running server takes changes over
            within a second.
            """,
        subcommands: [
            UsersAdd.self, UsersList.self, UsersPassword.self, UsersGrant.self, UsersRevoke.self, UsersDisable.self,
            UsersEnable.self, UsersDelete.self, UsersSignOut.self,
        ]
    )
    static let examples = UsersAdd.examples + UsersGrant.examples
}

/// What a role is granted on.
struct ScopeOptions: ParsableArguments {
    @Option(help: "Only this model; a * at the end stands for any ending.") var model: String?
    @Option(help: "Only this experiment and the experiments of this folder.") var experiments: String?

    var scope: AccessScope {
        get throws {
            guard model == nil || experiments == nil else {
                throw ValidationError("Pass only one of --model and --experiments; grant the role twice for both.")
            }
            if let model { return .model(ByteText(model)) }
            return try experiments.map { try AccessScope("experiments:\($0)") } ?? .everything
        }
    }
}

/// A password, from the terminal or from standard input.
enum PasswordPrompt {
    static func read(fromInput: Bool) throws -> String {
        if fromInput {
            guard let line = readLine(strippingNewline: true), !line.isEmpty else {
                throw Failure(.invalidArgument, "no password on standard input", hint: "send it as one line")
            }
            return line
        }
        guard isatty(STDIN_FILENO) == 1 else {
            throw Failure(
                .invalidArgument,
                "there is no terminal to ask for the password",
                hint: "send it with --password-stdin"
            )
        }
        let first = ask("Password: ")
        guard first == ask("Again: ") else {
            throw Failure(.invalidArgument, "the passwords differ", hint: "try again")
        }
        return first
    }

    private static func ask(_ prompt: String) -> String { getpass(prompt).map { String(cString: $0) } ?? "" }
}

/// `balanceops users add`.
struct UsersAdd: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Adds an account; asks for a password on a terminal."
    )
    static let examples = [
        "balanceops users add kim --role admin", "balanceops users add ci --service --owner kim --role writer",
    ]

    @OptionGroup(title: "Files or server") var accountOptions: AccountOptions
    @Argument(help: "The name: a-z, 0-9 and . _ @ -") var name: String
    @Option(help: "viewer, serving, writer, approver, operator or admin; none: it may do nothing yet.") var role:
        String?
    @OptionGroup var scopeOptions: ScopeOptions
    @Flag(help: "A program: no password, tokens alone.") var service = false
    @Option(help: "The person that a program belongs to.") var owner: String?
    @Option(help: "The name that pages show.") var displayName: String?
    @Flag(help: "Read the password from standard input.") var passwordStdin = false
    @Flag(help: "Without a password: for single sign-on, a proxy, or tokens.") var noPassword = false

    func run() async throws {
        var new = AccountService.NewAccount(name: name)
        new.kind = service ? .service : .person
        new.owner = owner
        new.displayName = displayName
        if let role { new.grants = [Grant(role: try Role(named: role), scope: try scopeOptions.scope)] }
        // Before anybody types a password for a name that cannot be.
        _ = try AccountName.checked(name)
        let place = try await accountOptions.place()
        if !service, !noPassword { new.password = try PasswordPrompt.read(fromInput: passwordStdin) }
        let made = try await place.create(new)
        if accountOptions.json { return Output.json(made) }
        Output.ok("added \(name)\(role.map { " as \($0)" } ?? "")")
        if service { Output.line("a token: balanceops tokens create --user \(name)") }
    }
}

/// `balanceops users list`.
struct UsersList: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the accounts and their roles."
    )
    static let examples = ["balanceops users list"]

    @OptionGroup(title: "Files or server") var accountOptions: AccountOptions

    func run() async throws {
        let answer = try await accountOptions.place().users()
        if accountOptions.json { return Output.json(answer["items"] ?? .array([])) }
        let rows = (answer["items"]?.elements ?? []).map { user -> [String] in
            let grants = (user["grants"]?.elements ?? []).map { grant in
                let title = grant["title"]?.string.map { " as \($0)" } ?? ""
                let scope = grant["scope"]?.string == "*" ? "" : " on \(grant["scope"]?.string ?? "")"
                return (grant["role"]?.string ?? "") + title + scope
            }
            return [
                user["name"]?.string ?? "", user["kind"]?.string ?? "",
                user["disabled"]?.boolean == true ? "disabled" : "active", grants.joined(separator: ", "),
                user["last_sign_in_at"]?.string ?? "never signed in",
            ]
        }
        TextTable.lines(rows).forEach(Output.line)
    }
}

/// `balanceops users password`.
struct UsersPassword: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "password",
        abstract: "Sets the password of a person; their sign-ins end."
    )
    static let examples = ["balanceops users password kim"]

    @OptionGroup(title: "Files or server") var accountOptions: AccountOptions
    @Argument(help: "The account.") var name: String
    @Flag(help: "Read the password from standard input.") var passwordStdin = false

    func run() async throws {
        let place = try await accountOptions.place()
        try await place.setPassword(PasswordPrompt.read(fromInput: passwordStdin), of: name)
        Output.ok("\(name) has a new password")
    }
}

/// `balanceops users grant`.
struct UsersGrant: ExemplifiedCommand {
    static let configuration = CommandConfiguration(commandName: "grant", abstract: "Grants a role.")
    static let examples = [
        "balanceops users grant min approver --model credit --title owner",
        "balanceops users grant ci writer --experiments team-a",
    ]

    @OptionGroup(title: "Files or server") var accountOptions: AccountOptions
    @Argument(help: "The account.") var name: String
    @Argument(help: "viewer, serving, writer, approver, operator or admin.") var role: String
    @OptionGroup var scopeOptions: ScopeOptions
    @Option(help: "What approvals count as, where a policy asks for roles such as owner.") var title: String?

    func run() async throws {
        let grant = Grant(role: try Role(named: role), scope: try scopeOptions.scope, title: title)
        try await accountOptions.place().grant(grant, to: name)
        Output.ok("\(name) is \(role) on \(grant.scope.text)")
    }
}

/// `balanceops users revoke`.
struct UsersRevoke: ExemplifiedCommand {
    static let configuration = CommandConfiguration(commandName: "revoke", abstract: "Revokes a role.")
    static let examples = ["balanceops users revoke ci writer --experiments team-a"]

    @OptionGroup(title: "Files or server") var accountOptions: AccountOptions
    @Argument(help: "The account.") var name: String
    @Argument(help: "The role.") var role: String
    @OptionGroup var scopeOptions: ScopeOptions
    @Option(help: "The title that it was granted with.") var title: String?

    func run() async throws {
        let grant = Grant(role: try Role(named: role), scope: try scopeOptions.scope, title: title)
        try await accountOptions.place().revoke(grant, from: name)
        Output.ok("\(name) is no longer \(role) on \(grant.scope.text)")
    }
}
