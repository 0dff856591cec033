import BalanceCore
import BalanceNet
import BalanceService
import BalanceSystem
import HTTPTypes
import Hummingbird

/// `/me` and `/tokens`: one's own account and tokens; an admin's reach everybody's.
struct TokensController: Sendable {
    let accounts: AccountService

    var endpoints: [Endpoint] {
        [
            own("GET", "/me", "Who the request comes from, and what they may do.", answer: "Me") { _, context, _ in
                Self.me(context.principal)
            },
            own(
                "PUT",
                "/me/password",
                "Changes one's password; other sign-ins end.",
                body: "PasswordChange",
                answer: "Done"
            ) {
                try await changePassword($0, $1, by: $2)
            },
            own("GET", "/me/sessions", "One's sign-ins.", answer: "SessionList") { _, context, _ in
                let all = try await accounts.store.sessions(of: context.principal.id, at: .now()).map(\.json)
                return .object([("items", .array(all)), ("count", .int(all.count))])
            },
            own("DELETE", "/me/sessions", "Ends all of one's sign-ins.", answer: "Done") { _, context, actor in
                try await accounts.store.end(session: nil, of: context.principal.id, by: actor)
                return AccountsController.done
            },
            own("GET", "/tokens", "One's tokens; for an admin those of all, or of ?user=.", answer: "TokenList") {
                fields,
                context,
                _ in try await list(fields, context)
            },
            own(
                "POST",
                "/tokens",
                "Creates a token; only this answer has its text.",
                body: "NewToken",
                answer: "NewTokenAnswer"
            ) {
                try await create($0, $1, by: $2)
            },
            own(
                "POST",
                "/tokens/{id}/rotate",
                "A new text for a token; the old one holds for a while.",
                body: "TokenRotation",
                answer: "NewTokenAnswer"
            ) {
                try await rotate($0, $1, by: $2)
            },
            own("DELETE", "/tokens/{id}", "Revokes a token, at once.", answer: "Done") { _, context, actor in
                if try context.text("id") != context.principal.tokenID { try Self.requireWhole(context.principal) }
                try await accounts.revokeToken(context.text("id"), of: Self.owner(context), by: actor)
                return AccountsController.done
            },
        ]
    }

    private func own(
        _ method: String,
        _ path: String,
        _ summary: String,
        body: String? = nil,
        answer: String,
        _ handler: @escaping @Sendable (MLflowFields, AppContext, Actor) async throws -> JSONValue
    ) -> Endpoint {
        var route = RouteDescription.governed(
            method,
            path,
            summary,
            body: body,
            answer: answer,
            failures: [.invalidArgument, .unauthenticated, .permissionDenied, .tooManyAttempts]
        )
        if path == "/tokens", method == "GET" {
            route.parameters.append(.init("user", in: .query, [("type", "string")]))
        }
        return Endpoint(route, .signedIn) { request, context in
            try AccountsController.requireOn(context)
            let fields = body == nil ? MLflowFields.query(request) : try await MLflowFields.body(request)
            var response = Response.json(try await handler(fields, context, Actor(request, context, otherwise: "api")))
            response.headers[.cacheControl] = "no-store"
            return response
        }
    }

    /// Whose tokens somebody may change; nil: everybody's.
    private static func owner(_ context: AppContext) -> String? {
        context.principal.everywhere.contains(.administer) ? nil : context.principal.id
    }

    static func me(_ principal: Principal) -> JSONValue {
        .object([
            ("name", .string(principal.name)), ("id", .string(principal.id)), ("via", .string(principal.door.rawValue)),
            ("token_id", .optional(principal.tokenID)),
            ("permissions", .strings(principal.everywhere.permissions.map(\.rawValue))),
            ("permissions_somewhere", .strings(principal.somewhere.permissions.map(\.rawValue))),
            ("grants", .array(principal.grants.map(\.json))),
            ("token_scopes", .strings(principal.limit?.scopes.map(\.text) ?? [])),
        ])
    }

    private func changePassword(
        _ fields: MLflowFields,
        _ context: AppContext,
        by actor: Actor
    ) async throws -> JSONValue {
        let client = AccountService.Client(address: "api \(context.principal.id)", agent: "")
        try await accounts.confirm(context.principal.name, password: fields.required("password"), client)
        try await accounts.setPassword(fields.required("new_password"), of: context.principal.name, by: actor)
        return AccountsController.done
    }

    private func list(_ fields: MLflowFields, _ context: AppContext) async throws -> JSONValue {
        var owner = Self.owner(context)
        let names = Dictionary(try await accounts.store.accounts().map { ($0.id, $0.name) }) { first, _ in first }
        if owner == nil, let user = try fields.text("user") { owner = try await accounts.store.account(named: user).id }
        let all = try await accounts.store.tokens(of: owner).map { $0.json(account: names[$0.accountID] ?? "") }
        return .object([("items", .array(all)), ("count", .int(all.count))])
    }

    /// A token must not make one that may do more than itself.
    private static func requireWhole(_ principal: Principal) throws {
        guard principal.door == .token, let limit = principal.limit, limit != TokenLimit() else { return }
        throw Failure(
            .permissionDenied,
            "a token that is limited cannot make, rotate or revoke other tokens",
            hint: "sign in on the pages, or use a token without limits"
        )
    }

    private func create(_ fields: MLflowFields, _ context: AppContext, by actor: Actor) async throws -> JSONValue {
        try Self.requireWhole(context.principal)
        let name = try fields.text("user") ?? context.principal.name
        if name != context.principal.name { try await context.require(.administer, [.server]) }
        let limit = try TokenLimit(permissions: fields.texts("permissions"), scopes: fields.texts("scopes"))
        var new = AccountService.NewToken(note: try fields.text("note") ?? "", limit: limit)
        if try fields.flag("never_expires") {
            try await context.require(.administer, [.server])
            new.days = nil
        } else if let days = try fields.integer("days") {
            new.days = days
        }
        let made = try await accounts.createToken(new, for: name, by: actor)
        return .object([("token", .string(made.text))] + (made.record.json(account: name).members ?? []))
    }

    private func rotate(_ fields: MLflowFields, _ context: AppContext, by actor: Actor) async throws -> JSONValue {
        try Self.requireWhole(context.principal)
        let id = try context.text("id")
        let hours = try fields.integer("grace_hours") ?? 24
        let text = try await accounts.rotateToken(id, of: Self.owner(context), hours: hours, by: actor)
        return .object([("token", .string(text)), ("id", .string(id))])
    }
}

extension Session {
    /// A sign-in as the API tells of it; its id is no secret.
    var json: JSONValue {
        .object([
            ("id", .string(String(id.prefix(12)))), ("created_at", .string(createdAt.iso8601)),
            ("seen_at", .string(seenAt.iso8601)), ("address", .string(address)), ("agent", .string(agent)),
        ])
    }
}
