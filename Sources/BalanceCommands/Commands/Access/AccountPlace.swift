import ArgumentParser
import BalanceCore
import BalanceNet
import BalanceService
import Foundation

/// Where commands about accounts act: on the files, or on a server.
struct AccountOptions: ParsableArguments {
    @OptionGroup(title: "Files") var options: SettingsOptions
    @OptionGroup var serverOptions: ServerOptions
    @Flag(help: "Answer with JSON.") var json = false

    func place() async throws -> AccountPlace {
        if let client = serverOptions.client { return .server(client) }
        let workspace = try await Workspace.open(options.load())
        let runner = PredictionPool(threads: 1, queue: 4)
        let directory = AccessDirectory(store: workspace.accounts, isOn: true, acceptsPasswords: true, runner: runner)
        try await directory.refresh()
        return .files(AccountService(store: workspace.accounts, directory: directory, runner: runner))
    }
}

/// The two places; both give what the API answers.
enum AccountPlace {
    case files(AccountService)
    case server(APIClient)

    func users() async throws -> JSONValue {
        switch self {
        case .files(let accounts): .object([("items", .array(try await accounts.store.accounts().map(\.json)))])
        case .server(let client): try await client.value("GET", "/users")
        }
    }

    func create(_ new: AccountService.NewAccount) async throws -> JSONValue {
        switch self {
        case .files(let accounts): return try await accounts.create(new, by: ActorOptions.onFiles).json
        case .server(let client):
            let body = JSONValue.object([
                ("name", .string(new.name)), ("kind", .string(new.kind.rawValue)),
                ("display_name", .optional(new.displayName)), ("password", .optional(new.password)),
                ("owner", .optional(new.owner)), ("grants", .array(new.grants.map(\.json))),
            ])
            return try await client.value("POST", "/users", body: body)
        }
    }

    func setPassword(_ password: String, of name: String) async throws {
        switch self {
        case .files(let accounts): try await accounts.setPassword(password, of: name, by: ActorOptions.onFiles)
        case .server(let client):
            _ = try await client.value("PATCH", Self.path(name), body: .object([("password", .string(password))]))
        }
    }

    func setDisabled(_ isDisabled: Bool, _ name: String) async throws {
        switch self {
        case .files(let accounts):
            try await accounts.setDisabled(isDisabled, name, keepsAdmin: false, by: ActorOptions.onFiles)
        case .server(let client):
            _ = try await client.value("PATCH", Self.path(name), body: .object([("disabled", .bool(isDisabled))]))
        }
    }

    func delete(_ name: String) async throws {
        switch self {
        case .files(let accounts): try await accounts.delete(name, keepsAdmin: false, by: ActorOptions.onFiles)
        case .server(let client): _ = try await client.value("DELETE", Self.path(name))
        }
    }

    func grant(_ grant: Grant, to name: String) async throws {
        switch self {
        case .files(let accounts): try await accounts.grant(grant, to: name, by: ActorOptions.onFiles)
        case .server(let client): _ = try await client.value("POST", "\(Self.path(name))/grants", body: grant.json)
        }
    }

    func revoke(_ grant: Grant, from name: String) async throws {
        switch self {
        case .files(let accounts):
            try await accounts.revoke(grant, from: name, keepsAdmin: false, by: ActorOptions.onFiles)
        case .server(let client):
            _ = try await client.value("POST", "\(Self.path(name))/grants/revoke", body: grant.json)
        }
    }

    func signOut(_ name: String) async throws {
        switch self {
        case .files(let accounts):
            let account = try await accounts.store.account(named: name)
            try await accounts.store.end(session: nil, of: account.id, by: ActorOptions.onFiles)
        case .server(let client): _ = try await client.value("POST", "\(Self.path(name))/sign-out")
        }
    }

    // MARK: - Tokens

    func tokens(of user: String?) async throws -> JSONValue {
        switch self {
        case .files(let accounts):
            let names = Dictionary(try await accounts.store.accounts().map { ($0.id, $0.name) }) { first, _ in first }
            let owner = try await user == nil ? nil : accounts.store.account(named: user ?? "").id
            let all = try await accounts.store.tokens(of: owner).map { $0.json(account: names[$0.accountID] ?? "") }
            return .object([("items", .array(all))])
        case .server(let client):
            return try await client.value("GET", "/tokens" + (user.map { "?user=\($0.percentEncoded)" } ?? ""))
        }
    }

    func createToken(_ new: AccountService.NewToken, for user: String?) async throws -> JSONValue {
        switch self {
        case .files(let accounts):
            guard let user else { throw ValidationError("On the files a token needs --user NAME.") }
            let made = try await accounts.createToken(new, for: user, by: ActorOptions.onFiles)
            return .object([("token", .string(made.text))] + (made.record.json(account: user).members ?? []))
        case .server(let client):
            let permissions = new.limit.permissions == .all ? [] : new.limit.permissions.permissions
            var body: [(String, JSONValue)] = [
                ("note", .string(new.note)), ("permissions", .strings(permissions.map(\.rawValue))),
                ("scopes", .strings(new.limit.scopes.map(\.text))), ("never_expires", .bool(new.days == nil)),
            ]
            if let user { body.append(("user", .string(user))) }
            if let days = new.days { body.append(("days", .int(days))) }
            return try await client.value("POST", "/tokens", body: .object(body))
        }
    }

    func revokeToken(_ id: String) async throws {
        switch self {
        case .files(let accounts): try await accounts.revokeToken(id, of: nil, by: ActorOptions.onFiles)
        case .server(let client): _ = try await client.value("DELETE", "/tokens/\(id.percentEncoded)")
        }
    }

    func rotateToken(_ id: String, hours: Int) async throws -> String {
        switch self {
        case .files(let accounts):
            return try await accounts.rotateToken(id, of: nil, hours: hours, by: ActorOptions.onFiles)
        case .server(let client):
            let body = JSONValue.object([("grace_hours", .int(hours))])
            return try await client.value("POST", "/tokens/\(id.percentEncoded)/rotate", body: body)["token"]?.string
                ?? ""
        }
    }

    private static func path(_ name: String) -> String { "/users/\(name.percentEncoded)" }
}
