package import BalanceNet
import BalanceCore
import HTTPTypes
package import Hummingbird

/// Refuses a request whose `Host` is not one of ours, so that a page in a user's browser cannot reach the server
/// through a name that it rebinds (DNS rebinding).
package struct HostMiddleware: RouterMiddleware {
    private let allowed: Set<String>

    /// - Parameter hosts: Names and addresses without ports that are allowed besides loopback; `*` allows all.
    package init(hosts: [String]) {
        allowed = Set(hosts.map { $0.lowercased() } + ["localhost", "127.0.0.1", "[::1]"])
    }

    package func handle(
        _ request: Request,
        context: AppContext,
        next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        // A second Host line stays among the fields; a proxy may have judged by the one that we do not take.
        let names = ([request.head.authority ?? ""] + Self.more(request)).map(Self.name)
        let isAllowed = allowed.contains("*") || names.allSatisfy(allowed.contains)
        // A health check by address must work without any setting, and tells nothing.
        if isAllowed || request.uri.path == "/health" {
            try checkOrigin(request)
            return try await next(request, context)
        }
        let host = names.first { !allowed.contains($0) } ?? ""
        throw Failure(
            .hostNotAllowed,
            "The host '\(host)' is not allowed.",
            hint: "Set BALANCEOPS_ALLOWED_HOSTS (or serve --allowed-hosts) to the names that clients use."
        )
    }

    /// A page of another site may not change anything here through its reader's browser.
    private func checkOrigin(_ request: Request) throws {
        guard request.method != .get, request.method != .head else { return }
        guard let origin = request.headers[.origin] else {
            // A browser that keeps the origin to itself still says whether it is another one.
            let site = HTTPField.Name("Sec-Fetch-Site").flatMap { request.headers[$0] }
            guard site?.lowercased() != "cross-site" else { throw Self.refusal(of: "null") }
            return
        }
        let name = Self.name(
            of: origin.split(separator: "/", omittingEmptySubsequences: true).last.map(String.init) ?? ""
        )
        let authority = origin.split(separator: "/", omittingEmptySubsequences: true).last.map { $0.lowercased() } ?? ""
        // A page on another port of this machine is another site.
        let isLocal = ["localhost", "127.0.0.1", "[::1]"].contains(name)
        let isOurs = !isLocal || authority == request.head.authority?.lowercased()
        guard origin.contains("://"), isOurs, allowed.contains(name) || allowed.contains("*") else {
            throw Self.refusal(of: origin)
        }
    }

    private static func refusal(of origin: String) -> Failure {
        Failure(
            .originNotAllowed,
            "The origin '\(origin)' is not allowed to make changes.",
            hint: "Add the host of the page to BALANCEOPS_ALLOWED_HOSTS."
        )
    }

    private static func more(_ request: Request) -> [String] {
        HTTPField.Name("Host").map { request.headers[values: $0] } ?? []
    }

    /// The authority without its port; all of it where what follows the name is no port.
    private static func name(of authority: String) -> String {
        let text = authority.lowercased()
        var name = text.prefix { $0 != ":" }
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") { name = text[...end] }
        let rest = text[name.endIndex...]
        let isPort =
            rest.isEmpty || rest.first == ":" && rest.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isPort ? String(name) : text
    }
}
