package import BalanceNet
import BalanceCore
import HTTPTypes
package import Hummingbird

/// Refuses a request whose `Host` is not one of ours, and one that another site's page sends to change something.
package struct HostMiddleware: RouterMiddleware {
    private let allowed: AllowedHosts

    package init(_ allowed: AllowedHosts) { self.allowed = allowed }

    package func handle(
        _ request: Request,
        context: AppContext,
        next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        // A second Host line stays among the fields; a proxy may have judged by the one that we do not take.
        let names = ([request.head.authority ?? ""] + Self.more(request)).map(AllowedHosts.name)
        let isAllowed = names.allSatisfy(allowed.allow)
        // A health check by address must work without any setting, and tells nothing.
        if isAllowed || request.uri.path == "/health" {
            try checkOrigin(request)
            return try await next(request, context)
        }
        let host = names.first { !allowed.allow($0) } ?? ""
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
        let name = AllowedHosts.name(
            of: origin.split(separator: "/", omittingEmptySubsequences: true).last.map(String.init) ?? ""
        )
        let authority = origin.split(separator: "/", omittingEmptySubsequences: true).last.map { $0.lowercased() } ?? ""
        // A page on another port of this machine is another site.
        let isLocal = AllowedHosts.loopback.contains(name)
        let isOurs = !isLocal || authority == request.head.authority?.lowercased()
        guard origin.contains("://"), isOurs, allowed.allow(name) else {
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

}
