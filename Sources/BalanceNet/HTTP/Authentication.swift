import BalanceCore
import Foundation
import HTTPTypes
package import Hummingbird

/// Tells who sends a request over HTTP, and lets it go on to what it may do.
package struct Authentication: Sendable {
    package let check: AccessCheck
    package let proxies: TrustedProxies
    /// Whether this server itself speaks TLS.
    package let speaksTLS: Bool
    /// Tells servers on other ports of one machine apart: browsers send cookies to all of them.
    private let cookieSuffix: String

    package init(check: AccessCheck, proxies: TrustedProxies, speaksTLS: Bool, port: Int) {
        self.check = check
        self.proxies = proxies
        self.speaksTLS = speaksTLS
        cookieSuffix = String(port)
    }

    package var isOn: Bool { check.authenticator.isOn }

    /// Whether a client reaches this server over TLS.
    package func isSecure(_ request: Request, _ context: AppContext) -> Bool {
        speaksTLS || proxies.isSecure(request, context.peer)
    }

    /// Answers a request to an endpoint where its caller may have that.
    package func answer(_ endpoint: Endpoint, _ request: Request, _ context: AppContext) async throws -> Response {
        var context = context
        context.access = check
        guard isOn, endpoint.permission != .open else { return try await endpoint.handler(request, context) }
        do {
            try await identify(request, &context, isPage: endpoint.isPage)
            let objects = try await endpoint.objects.references(request, context, endpoint.route)
            if let objects { try await context.require(endpoint.permission, objects) }
        } catch let failure as Failure {
            guard let refused = endpoint.refused else { throw failure }
            return await refused(failure, request, context)
        }
        guard let visibility = context.principal.visibility(for: endpoint.permission) else {
            return try await endpoint.handler(request, context)
        }
        let known = context
        return try await Visibility.$current.withValue(visibility) { try await endpoint.handler(request, known) }
    }

    /// Finds out who sends a request.
    ///
    /// - Throws: `Failure` with code `unauthenticated`.
    package func identify(_ request: Request, _ context: inout AppContext, isPage: Bool) async throws {
        guard isOn else { return }
        if let query = request.uri.query, AccessToken.occurs(in: query.removingPercentEncoding ?? query) {
            throw Failure(
                .unauthenticated,
                "a token in the address of a request is not accepted: addresses are kept in logs",
                hint: "revoke it, and send a new one in the header Authorization: Bearer"
            )
        }
        let user = try proxies.user(request, context.peer)
        let fields = request.headers[values: .authorization]
        let client = proxies.client(request, context.peer)
        if !fields.isEmpty {
            let credential = try Self.credential(fields)
            context.principal = try await check.authenticator.principal(credential, from: client)
        } else if let user {
            context.principal = try await check.authenticator.principal(.proxy(user), from: client)
        } else if isPage, let cookie = session(of: request, context) {
            context.principal = try await check.authenticator.principal(.session(cookie), from: client)
            context.session = cookie
        } else {
            throw Failure(
                .unauthenticated,
                "this server has accounts, and the request does not say who sends it",
                hint:
                    "send Authorization: Bearer TOKEN (MLFLOW_TRACKING_TOKEN, BALANCEOPS_TOKEN), or open /ui in a browser"
            )
        }
    }

    /// What the field Authorization shows (RFC 6750, RFC 7617).
    private static func credential(_ fields: [String]) throws -> Credential {
        guard fields.count == 1, let field = fields.first, field.utf8.count <= 8192 else {
            throw Failure(.invalidArgument, "invalid Authorization: it must stand once", hint: "send one credential")
        }
        let parts = field.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let scheme = parts[0].lowercased()
        let value = parts.count == 2 ? parts[1] : ""
        switch scheme {
        case "bearer":
            guard let token = AccessToken(parsing: value) else { throw Self.notAToken }
            return .token(token)
        case "basic": return try basic(value)
        default:
            throw Failure(
                .unauthenticated,
                "unsupported Authorization scheme '\(scheme.prefix(20))'",
                hint: "use Bearer with a token, or Basic with a token as the password"
            )
        }
    }

    private static let notAToken = Failure(
        .unauthenticated,
        "the token is not valid: it is not of the form bops_…, or was mistyped or cut",
        hint: "make a new one: on your account's page, or with balanceops tokens create"
    )

    /// A token may stand for the password, whatever the name is.
    private static func basic(_ value: String) throws -> Credential {
        guard let data = Data(base64Encoded: value), let text = String(data: data, encoding: .utf8),
            !text.contains("\0"),
            let colon = text.firstIndex(of: ":")
        else {
            throw Failure(
                .unauthenticated,
                "invalid Authorization: Basic",
                hint: "send base64 of NAME:PASSWORD in UTF-8"
            )
        }
        let password = String(text[text.index(after: colon)...])
        if let token = AccessToken(parsing: password) { return .token(token) }
        if password.hasPrefix(AccessToken.prefix) { throw notAToken }
        return .password(name: String(text[..<colon]), password: password)
    }

    // MARK: - Cookies

    /// The name of the cookie of a sign-in; a browser takes one with this prefix over TLS only (RFC 6265bis).
    private func cookieName(isSecure: Bool) -> String {
        isSecure ? "__Host-balanceops-session" : "balanceops-session-\(cookieSuffix)"
    }

    package func session(of request: Request, _ context: AppContext) -> String? {
        Self.cookie(cookieName(isSecure: isSecure(request, context)), of: request)
    }

    /// The value of a cookie.
    package static func cookie(_ name: String, of request: Request) -> String? {
        for field in request.headers[values: .cookie].flatMap({ $0.split(separator: ";") }) {
            let pair = field.split(separator: "=", maxSplits: 1).map { $0.trimmingPrefix { $0 == " " } }
            if pair.count == 2, pair[0] == name, pair[1].utf8.count <= 4096 { return String(pair[1]) }
        }
        return nil
    }

    /// The field that keeps a sign-in, or ends it.
    package func setCookie(_ value: String?, _ request: Request, _ context: AppContext) -> String {
        let isSecure = isSecure(request, context)
        let age = value == nil ? "; Max-Age=0" : ""
        let secure = isSecure ? "; Secure" : ""
        return "\(cookieName(isSecure: isSecure))=\(value ?? ""); Path=/\(age)\(secure); HttpOnly; SameSite=Lax"
    }
}

/// Answers 401 before 404: a stranger does not find out which routes there are.
package struct UnknownRouteMiddleware: RouterMiddleware {
    private let authentication: Authentication

    package init(_ authentication: Authentication) { self.authentication = authentication }

    package func handle(
        _ request: Request,
        context: AppContext,
        next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as any HTTPResponseError where error.status == .notFound {
            var context = context
            try await authentication.identify(request, &context, isPage: true)
            throw error
        }
    }
}
