import BalanceCore
import BalanceNet
import BalanceService
import Hummingbird

/// All accounts and their roles, for admins.
struct UsersPage: Sendable {
    let accounts: AccountService

    func show(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        try Self.requireOn(context)
        let times = TimeDisplay(zone: Preferences(request).zone)
        let roles = Role.allCases.map { ["value": $0.rawValue, "meaning": $0.meaning] }
        let users = try await accounts.store.accounts().map { account -> [String: Any] in
            let signedIn = account.lastSignIn.map { times.cell($0.iso8601) }
            let content: [String: Any] = [
                "name": account.name, "link": account.name.percentEncoded, "kind": account.kind.rawValue,
                "display_name": account.displayName ?? "", "issuer": account.issuer ?? "",
                "is_disabled": account.isDisabled, "grants": account.grants.map(\.content),
                "signed_in": signedIn?.text ?? "", "signed_in_iso": signedIn?.iso ?? "", "roles": roles,
            ]
            return content.withoutEmptyTexts
        }
        let content: [String: Any] = ["users": users, "roles": roles]
        return .page(.init(template: "users", title: "Users · BalanceOps", content: content))
    }

    private static func requireOn(_ context: AppContext) throws {
        guard context.principal.isChecked else {
            throw Failure(.notFound, "This server has no accounts.", hint: "balanceops users add NAME --role admin")
        }
    }

    func add(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        try Self.requireOn(context)
        let form = try await PageForm(request, context)
        var new = AccountService.NewAccount(name: form["name"])
        new.kind = form["service"] == "1" ? .service : .person
        new.password = form["password"].isEmpty ? nil : form["password"]
        new.grants = [try Self.grant(form)]
        _ = try await accounts.create(new, by: context.actor(otherwise: ""))
        return .redirect("/users")
    }

    func grant(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        try Self.requireOn(context)
        let form = try await PageForm(request, context)
        try await accounts.grant(Self.grant(form), to: context.text("user"), by: context.actor(otherwise: ""))
        return .redirect("/users")
    }

    func revoke(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        try Self.requireOn(context)
        let form = try await PageForm(request, context)
        try await accounts.revoke(
            Self.grant(form),
            from: context.text("user"),
            keepsAdmin: true,
            by: context.actor(otherwise: "")
        )
        return .redirect("/users")
    }

    func setState(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        try Self.requireOn(context)
        let (name, actor) = (try context.text("user"), try context.actor(otherwise: ""))
        switch try await PageForm(request, context)["do"] {
        case "disable": try await accounts.setDisabled(true, name, keepsAdmin: true, by: actor)
        case "enable": try await accounts.setDisabled(false, name, keepsAdmin: true, by: actor)
        case "delete": try await accounts.delete(name, keepsAdmin: true, by: actor)
        case "sign-out":
            let account = try await accounts.store.account(named: name)
            try await accounts.store.end(session: nil, of: account.id, by: actor)
        default: throw Failure(.invalidParameter, "The form does not say what to do.", hint: "open its page again")
        }
        return .redirect("/users")
    }

    private static func grant(_ form: PageForm) throws -> Grant {
        let title = form["title"].filter { !$0.isNewline }
        return Grant(
            role: try Role(named: form["role"]),
            scope: try AccessScope(form["scope"].isEmpty ? "*" : form["scope"]),
            title: title.isEmpty ? nil : title
        )
    }
}
