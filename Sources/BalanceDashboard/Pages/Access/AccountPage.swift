import BalanceCore
import BalanceNet
import BalanceService
import BalanceSystem
import HTTPTypes
import Hummingbird

/// One's own account: roles, tokens, sign-ins, password.
struct AccountPage: Sendable {
    let access: DashboardAccess
    let renderer: PageRenderer

    private var accounts: AccountService { access.accounts }

    func show(
        _ request: Request,
        _ context: AppContext,
        newToken: String? = nil
    ) async throws -> PageRenderer.PageResult {
        let account = try await own(context)
        let times = TimeDisplay(zone: Preferences(request).zone)
        let this = context.session.map { ContentHash.of(Array($0.utf8)) }
        let tokens = try await accounts.store.tokens(of: account.id).filter { $0.revokedAt == nil }
        let sessions = try await accounts.store.sessions(of: account.id, at: .now())
        let content: [String: Any] = [
            "display_name": account.displayName ?? "", "grants": account.grants.map(\.content),
            "has_password": account.hasPassword, "new_token": newToken ?? "",
            "tokens": tokens.map { Self.content($0, times) },
            "permissions": Permission.grantable.filter(context.principal.somewhere.contains).map {
                ["value": $0.rawValue]
            },
            "sessions": sessions.map { session -> [String: Any] in
                let (since, seen) = (times.cell(session.createdAt.iso8601), times.cell(session.seenAt.iso8601))
                return [
                    "since": since.text, "since_iso": since.iso, "seen": seen.text, "seen_iso": seen.iso,
                    "address": session.address, "agent": session.agent, "is_this": session.id == this,
                ]
            },
        ]
        return .page(.init(template: "account", title: "\(account.name) · BalanceOps", content: content))
    }

    private func own(_ context: AppContext) async throws -> Account {
        guard context.principal.isChecked else {
            throw Failure(.notFound, "This server has no accounts.", hint: "balanceops users add NAME --role admin")
        }
        return try await accounts.store.account(named: context.principal.name)
    }

    private static func content(_ token: TokenRecord, _ times: TimeDisplay) -> [String: Any] {
        let permissions = token.limit.permissions == .all ? [] : token.limit.permissions.permissions.map(\.rawValue)
        let expires = token.expiresAt.map { times.cell($0.iso8601) }
        let used = token.lastUsedAt.map { times.cell($0.iso8601) }
        let content: [String: Any] = [
            "id": token.id, "note": token.note,
            "limits": (permissions + token.limit.scopes.map(\.text)).joined(separator: ", "),
            "expires": expires?.text ?? "", "expires_iso": expires?.iso ?? "", "used": used?.text ?? "",
            "used_iso": used?.iso ?? "",
        ]
        return content.withoutEmptyTexts
    }

    func createToken(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        let form = try await PageForm(request, context)
        _ = try await own(context)
        let scopes = [("model", form["model"]), ("experiments", form["experiments"])]
            .filter { !$0.1.isEmpty }.map { "\($0.0):\($0.1)" }
        guard form["days"].isEmpty || form.integer("days") != nil else {
            throw Failure(
                .invalidParameter,
                "invalid number of days '\(form["days"].prefix(40))'",
                hint: "use 1 to 365"
            )
        }
        let limit = try TokenLimit(permissions: form.all("permission"), scopes: scopes)
        let new = AccountService.NewToken(note: form["note"], limit: limit, days: form.integer("days") ?? 90)
        guard context.principal.door != .token else {
            throw Failure(.permissionDenied, "Sign in to make a token.", hint: "or use the API: POST /tokens")
        }
        let made = try await accounts.createToken(new, for: context.principal.name, by: context.actor(otherwise: ""))
        return try await show(request, context, newToken: made.text)
    }

    func revokeToken(_ context: AppContext) async throws -> PageRenderer.PageResult {
        let account = try await own(context)
        try await accounts.revokeToken(context.text("id"), of: account.id, by: context.actor(otherwise: ""))
        return .redirect("/account")
    }

    func changePassword(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        let form = try await PageForm(request, context)
        let account = try await own(context)
        let client = AccountService.Client(
            address: access.authentication.proxies.client(request, context.peer),
            agent: request.headers[.userAgent] ?? ""
        )
        try await accounts.confirm(account.name, password: form["password"], client)
        try await accounts.setPassword(
            form["new_password"],
            of: account.name,
            keeping: context.session.map { ContentHash.of(Array($0.utf8)) },
            by: context.actor(otherwise: "")
        )
        return .redirect("/account")
    }

    /// Ends this sign-in, or all of the account's.
    func signOut(_ request: Request, _ context: AppContext, everywhere: Bool) async throws -> PageRenderer.PageResult {
        let account = try await own(context)
        let session = context.session.map { ContentHash.of(Array($0.utf8)) }
        if everywhere || session != nil {
            let actor = try context.actor(otherwise: "")
            try await accounts.store.end(session: everywhere ? nil : session, of: account.id, by: actor)
        }
        return .file(
            Response(
                status: .seeOther,
                headers: [
                    .location: "\(renderer.base)/sign-in",
                    .setCookie: access.authentication.setCookie(nil, request, context),
                ]
            )
        )
    }
}

extension Grant {
    /// As templates name it.
    var content: [String: Any] {
        ["role": role.rawValue, "scope": scope.text, "as": title ?? ""].withoutEmptyTexts
    }
}
