import BalanceCore
import BalanceNet
import BalanceService
import BalanceSystem
import Foundation
import HTTPTypes
import Hummingbird

/// Where a person signs in: with a password, or at a provider.
struct SignInPage: Sendable {
    let access: DashboardAccess
    let renderer: PageRenderer
    /// The path that the pages stand below.
    let base: String

    /// To the page, and from there back to where somebody wanted to go.
    static func redirect(_ request: Request, _ renderer: PageRenderer) -> Response {
        let wanted = request.method == .get ? "?next=\(request.uri.string.percentEncoded)" : ""
        return Response(status: .seeOther, headers: [.location: "\(renderer.base)/sign-in\(wanted)"])
    }

    func show(_ request: Request, _ context: AppContext) -> PageRenderer.PageResult {
        let next = FormFields(request.uri.query ?? "")["next"] ?? ""
        return .page(page("signin", request, context, ["next": next, "next_link": next.percentEncoded]))
    }

    func submit(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        let form = try await sealed(request, context)
        do {
            let cookie = try await access.accounts.signIn(
                name: form["name"],
                password: form["password"],
                client(request, context)
            )
            return .file(signedIn(cookie, to: form["next"], request, context))
        } catch let failure as Failure where Self.expected.contains(failure.code) {
            let content: [String: Any] = [
                "next": form["next"], "next_link": form["next"].percentEncoded, "sign_in_name": form["name"],
            ]
            return .page(page("signin", request, context, content, failure))
        }
    }

    private static let expected: Set<Failure.Code> = [
        .unauthenticated, .tooManyAttempts, .invalidArgument, .invalidParameter, .permissionDenied, .alreadyExists,
    ]

    // MARK: - The first admin

    func showSetup(_ request: Request, _ context: AppContext) -> PageRenderer.PageResult {
        let code = FormFields(request.uri.query ?? "")["code"] ?? ""
        return .page(page("setup", request, context, ["code": code]))
    }

    func setUp(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        let form = try await sealed(request, context)
        do {
            let account = try await access.accounts.createFirstAdmin(
                name: form["name"],
                password: form["password"],
                code: form["code"]
            )
            let cookie = try await access.accounts.begin(account, client(request, context))
            return .file(signedIn(cookie, to: "", request, context))
        } catch let failure as Failure where Self.expected.contains(failure.code) {
            let content: [String: Any] = ["code": form["code"], "sign_in_name": form["name"]]
            return .page(page("setup", request, context, content, failure))
        }
    }

    // MARK: - A provider

    /// Sends the browser to the provider, with what tells its return from another one's.
    func begin(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        let provider = try requireProvider()
        let secrets = SignInSecrets()
        let next = FormFields(request.uri.query ?? "")["next"] ?? ""
        let target = try await provider.authorizationURL(redirect: callback(request, context), secrets: secrets)
        // A cookie has an end: who wanted to go too far begins at the front page.
        let place = next.percentEncoded
        let kept = "\(secrets.text).\(place.utf8.count <= 2000 ? place : "")"
        var response = Response(status: .seeOther, headers: [.location: target])
        response.headers.append(HTTPField(name: .setCookie, value: cookie(Self.providerCookie, kept, request, context)))
        return .file(response)
    }

    func finish(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        let provider = try requireProvider()
        let query = FormFields(request.uri.query ?? "")
        let kept = Authentication.cookie(name(Self.providerCookie, request, context), of: request) ?? ""
        let parts = kept.split(separator: ".", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, let secrets = SignInSecrets(parts[0...2].joined(separator: ".")),
            let state = query["state"], ByteText.isSame(state, secrets.state)
        else { throw PageViewer.expired }
        guard let code = query["code"], !code.isEmpty, code.utf8.count <= 4096 else {
            throw Failure(.unauthenticated, "The provider did not sign you in.", hint: "sign in again")
        }
        let identity = try await provider.identity(
            code: code,
            redirect: callback(request, context),
            secrets: secrets
        )
        let session = try await access.accounts.signIn(identity, client(request, context))
        var response = signedIn(session, to: parts[3].removingPercentEncoding ?? "", request, context)
        let ended = cookie(Self.providerCookie, nil, request, context)
        response.headers.append(HTTPField(name: .setCookie, value: ended))
        return .file(response)
    }

    private func requireProvider() throws -> any IdentityProvider {
        guard let provider = access.provider else {
            throw Failure(.notFound, "This server has no single sign-on.", hint: "sign in with a password")
        }
        return provider
    }

    /// The address that a provider sends browsers back to; it has to know it.
    private func callback(_ request: Request, _ context: AppContext) -> String {
        let scheme = access.authentication.isSecure(request, context) ? "https" : "http"
        let own = access.publicURL.isEmpty ? "\(scheme)://\(request.head.authority ?? "")" : access.publicURL
        return "\(own.hasSuffix("/") ? String(own.dropLast()) : own)\(renderer.base)/sign-in/callback"
    }

    // MARK: - Parts

    private static let formCookie = "form"
    private static let providerCookie = "provider"

    private func client(_ request: Request, _ context: AppContext) -> AccountService.Client {
        AccountService.Client(
            address: access.authentication.proxies.client(request, context.peer),
            agent: request.headers[.userAgent] ?? ""
        )
    }

    private func signedIn(_ cookie: String, to next: String, _ request: Request, _ context: AppContext) -> Response {
        let target =
            Self.isOurs(next, below: base) ? renderer.prefix + next : "\(renderer.base)\(base.isEmpty ? "/" : "")"
        return Response(
            status: .seeOther,
            headers: [
                .location: target, .setCookie: access.authentication.setCookie(cookie, request, context),
                .cacheControl: "no-store",
            ]
        )
    }

    /// Whether a path is one of our pages, and nothing that a browser takes for another place.
    static func isOurs(_ path: String, below base: String) -> Bool {
        guard path.hasPrefix("\(base)/") || path == base || path.hasPrefix("\(base)?"), path.hasPrefix("/") else {
            return false
        }
        return !path.hasPrefix("//") && !path.utf8.contains(UInt8(ascii: "\\"))
            && path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// A page with a form for somebody who is not signed in yet: it carries a seal of a cookie that goes with it.
    private func page(
        _ template: String,
        _ request: Request,
        _ context: AppContext,
        _ content: [String: Any],
        _ failure: Failure? = nil
    ) -> PageRenderer.Page {
        // The one that the browser has, so that the forms of all its tabs hold.
        let kept = Authentication.cookie(name(Self.formCookie, request, context), of: request)
        let secret = kept.flatMap { $0.utf8.count == 22 ? $0 : nil } ?? Secret.text(bytes: 16)
        var content = content
        content["csrf"] = PageViewer.seal(of: secret)
        content["has_provider"] = access.provider != nil
        content["problem"] = failure?.message ?? ""
        content["hint"] = failure?.hint ?? ""
        var page = PageRenderer.Page(template: template, title: "BalanceOps", content: content)
        if let failure { page.status = .init(code: failure.code.row.status) }
        page.headers[.setCookie] = cookie(Self.formCookie, secret, request, context)
        if let rest = failure?.details?["retry_after"]?.integer { page.headers[.retryAfter] = String(rest) }
        return page
    }

    /// The fields of a form that such a page sent.
    private func sealed(_ request: Request, _ context: AppContext) async throws -> PageForm {
        let form = try await PageForm(request, context)
        guard let secret = Authentication.cookie(name(Self.formCookie, request, context), of: request), !secret.isEmpty,
            ByteText.isSame(form["csrf"], PageViewer.seal(of: secret))
        else { throw PageViewer.expired }
        return form
    }

    private func name(_ purpose: String, _ request: Request, _ context: AppContext) -> String {
        access.authentication.isSecure(request, context) ? "__Host-balanceops-\(purpose)" : "balanceops-\(purpose)"
    }

    /// A cookie of ten minutes; nil ends it.
    private func cookie(_ purpose: String, _ value: String?, _ request: Request, _ context: AppContext) -> String {
        let secure = access.authentication.isSecure(request, context) ? "; Secure" : ""
        let age = value == nil ? 0 : 600
        return
            "\(name(purpose, request, context))=\(value ?? ""); Path=/; Max-Age=\(age)\(secure); HttpOnly; SameSite=Lax"
    }
}
