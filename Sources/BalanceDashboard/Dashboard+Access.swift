import BalanceCore
import BalanceNet
import BalanceService
import HTTPTypes
import Hummingbird

extension Dashboard {
    /// The pages about accounts.
    var accountPages: [Endpoint] { signInPages + ownPages + userPages }

    private func route(_ method: String, _ path: String, _ summary: String, form: [String] = []) -> RouteDescription {
        RouteDescription(
            method,
            base + path,
            summary,
            form: method == "POST" ? ["csrf"] + form : [],
            contentType: "text/html",
            success: method == "GET" ? [200] : [303, 200],
            dialect: .page,
            failures: [
                .unauthenticated, .permissionDenied, .formExpired, .tooManyAttempts, .resourceNotFound,
                .invalidParameter,
                .invalidArgument, .alreadyExists, .modelInUse, .notFound,
            ]
        )
    }

    /// Pages for those who are not signed in yet.
    private var signInPages: [Endpoint] {
        let signIn = SignInPage(access: sources.access, renderer: renderer, base: base)
        var leaves = route("GET", "/sign-in/provider", "Sends the browser to the sign-in provider.")
        leaves.success = [303]
        var returns = route("GET", "/sign-in/callback", "Signs in whom the provider sends back.")
        returns.success = [303]
        return [
            open(route("GET", "/sign-in", "The sign-in form.")) { signIn.show($0, $1) },
            open(route("POST", "/sign-in", "Signs in.", form: ["name", "password", "next"])) {
                try await signIn.submit($0, $1)
            },
            open(leaves) { try await signIn.begin($0, $1) },
            open(returns) { try await signIn.finish($0, $1) },
            open(route("GET", "/setup", "The form for the first admin.")) { signIn.showSetup($0, $1) },
            open(route("POST", "/setup", "Creates the first admin.", form: ["code", "name", "password"])) {
                try await signIn.setUp($0, $1)
            },
        ]
    }

    /// A page that needs no sign-in.
    private func open(
        _ route: RouteDescription,
        _ make: @escaping @Sendable (Request, AppContext) async throws -> PageRenderer.PageResult
    ) -> Endpoint {
        let (renderer, access) = (self.renderer, sources.access)
        return Endpoint(route, .open) { request, context in
            let response = await renderer.page(request, .nobody(access)) {
                guard access.isOn else {
                    throw Failure(
                        .notFound,
                        "This server has no accounts.",
                        hint: "balanceops users add NAME --role admin"
                    )
                }
                return try await make(request, context)
            }
            return access.securing(response, request, context)
        }
    }

    private var ownPages: [Endpoint] {
        let account = AccountPage(access: sources.access, renderer: renderer)
        let limits = ["note", "days", "permission", "model", "experiments"]
        return [
            page(route("GET", "/account", "One's own account."), .signedIn) { try await account.show($0, $1) },
            page(route("POST", "/account/tokens", "Creates a token and shows it once.", form: limits), .signedIn) {
                try await account.createToken($0, $1)
            },
            page(route("POST", "/account/tokens/{id}/revoke", "Revokes a token."), .signedIn) {
                try await account.revokeToken($1)
            },
            page(
                route("POST", "/account/password", "Changes one's password.", form: ["password", "new_password"]),
                .signedIn
            ) { try await account.changePassword($0, $1) },
            page(route("POST", "/account/sign-out-everywhere", "Ends all of one's sign-ins."), .signedIn) {
                try await account.signOut($0, $1, everywhere: true)
            },
            page(route("POST", "/sign-out", "Signs out."), .signedIn) {
                try await account.signOut($0, $1, everywhere: false)
            },
        ]
    }

    private var userPages: [Endpoint] {
        let users = UsersPage(accounts: sources.access.accounts)
        let grant = ["role", "scope", "title"]
        return [
            page(route("GET", "/users", "The accounts and their roles."), .administer) { try await users.show($0, $1) },
            page(
                route("POST", "/users", "Adds an account.", form: ["name", "password", "service"] + grant),
                .administer
            ) { try await users.add($0, $1) },
            page(route("POST", "/users/{user}/grants", "Grants a role.", form: grant), .administer) {
                try await users.grant($0, $1)
            },
            page(route("POST", "/users/{user}/grants/revoke", "Revokes a role.", form: grant), .administer) {
                try await users.revoke($0, $1)
            },
            page(
                route(
                    "POST",
                    "/users/{user}/state",
                    "Disables, enables, signs out or deletes an account.",
                    form: ["do"]
                ),
                .administer
            ) { try await users.setState($0, $1) },
        ]
    }
}

extension DashboardAccess {
    /// The answer of a page, which a browser is to fetch over TLS only from now on where this server speaks it.
    func securing(_ response: Response, _ request: Request, _ context: AppContext) -> Response {
        guard authentication.speaksTLS else { return response }
        var response = response
        response.headers[.strictTransportSecurity] = "max-age=31536000"
        return response
    }
}
