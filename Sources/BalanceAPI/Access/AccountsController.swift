import BalanceCore
import BalanceNet
import BalanceService
import Hummingbird

/// `/users`: accounts and what they may do, for admins.
struct AccountsController: Sendable {
    let accounts: AccountService

    var endpoints: [Endpoint] {
        [
            admin("GET", "/users", "The accounts, with their grants.", answer: "UserList") { _, _, _ in
                let all = try await accounts.store.accounts().map(\.json)
                return .object([("items", .array(all)), ("count", .int(all.count))])
            },
            admin("POST", "/users", "Creates an account.", body: "NewUser", answer: "User") { fields, _, actor in
                try await create(fields, by: actor).json
            },
            admin("GET", "/users/{user}", "An account.", answer: "User") { _, context, _ in
                try await accounts.store.account(named: context.text("user")).json
            },
            admin(
                "PATCH",
                "/users/{user}",
                "Disables, enables or sets the password of an account.",
                body: "UserChange",
                answer: "User"
            ) {
                try await change($1.text("user"), $0, by: $2)
            },
            admin("DELETE", "/users/{user}", "Deletes an account; its name is not given again.", answer: "Done") {
                try await accounts.delete($1.text("user"), keepsAdmin: true, by: $2)
                return Self.done
            },
            admin("POST", "/users/{user}/grants", "Grants a role.", body: "GrantRequest", answer: "User") {
                try await accounts.grant(Self.grant($0), to: $1.text("user"), by: $2)
                return try await accounts.store.account(named: $1.text("user")).json
            },
            admin("POST", "/users/{user}/grants/revoke", "Revokes a role.", body: "GrantRequest", answer: "User") {
                try await accounts.revoke(Self.grant($0), from: $1.text("user"), keepsAdmin: true, by: $2)
                return try await accounts.store.account(named: $1.text("user")).json
            },
            admin("POST", "/users/{user}/sign-out", "Ends all sign-ins of an account.", answer: "Done") {
                let account = try await accounts.store.account(named: $1.text("user"))
                try await accounts.store.end(session: nil, of: account.id, by: $2)
                return Self.done
            },
        ]
    }

    static let done = JSONValue.object([("ok", .bool(true))])

    /// Accounts are made by those that there are, or on the files of the server.
    static func requireOn(_ context: AppContext) throws {
        guard context.principal.isChecked else {
            throw Failure(
                .permissionDenied,
                "accounts are switched off on this server",
                hint: "start it with --auth on, or add the first account: balanceops users add NAME --role admin"
            )
        }
    }

    private func admin(
        _ method: String,
        _ path: String,
        _ summary: String,
        body: String? = nil,
        answer: String,
        _ handler: @escaping @Sendable (MLflowFields, AppContext, Actor) async throws -> JSONValue
    ) -> Endpoint {
        let route = RouteDescription.governed(
            method,
            path,
            summary,
            body: body,
            answer: answer,
            failures: [.invalidArgument, .alreadyExists, .modelInUse, .unauthenticated, .permissionDenied]
        )
        return Endpoint(route, .administer) { request, context in
            try Self.requireOn(context)
            let fields = body == nil ? MLflowFields(.object([])) : try await MLflowFields.body(request)
            return .json(try await handler(fields, context, Actor(request, context, otherwise: "api")))
        }
    }

    private func create(_ fields: MLflowFields, by actor: Actor) async throws -> Account {
        var new = AccountService.NewAccount(name: try fields.required("name"))
        let kind = try fields.text("kind") ?? Account.Kind.person.rawValue
        guard let known = Account.Kind(rawValue: kind) else {
            throw Failure(.invalidParameter, "invalid kind '\(kind.prefix(40))'", hint: "use person or service")
        }
        new.kind = known
        new.displayName = try fields.text("display_name")
        new.password = try fields.text("password")
        new.owner = try fields.text("owner")
        new.grants = try fields.objects("grants").map(Self.grant)
        return try await accounts.create(new, by: actor)
    }

    private func change(_ name: String, _ fields: MLflowFields, by actor: Actor) async throws -> JSONValue {
        if let password = try fields.text("password") {
            try await accounts.setPassword(password, of: name, by: actor)
        }
        if try fields.value("disabled") != nil {
            try await accounts.setDisabled(fields.flag("disabled"), name, keepsAdmin: true, by: actor)
        }
        return try await accounts.store.account(named: name).json
    }

    private static func grant(_ fields: MLflowFields) throws -> Grant {
        let title = try fields.text("title").flatMap { $0.isEmpty ? nil : $0 }
        return Grant(
            role: try Role(named: fields.required("role")),
            scope: try AccessScope(fields.text("scope") ?? "*"),
            title: title
        )
    }
}
