package import BalanceNet
import BalanceCore
import HTTPTypes
package import Hummingbird

/// Refuses whatever could change something.
package struct ReadOnlyMiddleware: RouterMiddleware {
    package init() {}

    package func handle(
        _ request: Request,
        context: AppContext,
        next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        // A policy that is only checked changes nothing.
        let isCheck = request.uri.path.hasSuffix("/policy/check")
        // To sign in and out is to read with a name.
        let isSignIn = request.uri.path.hasSuffix("/sign-in") || request.uri.path.hasSuffix("/sign-out")
        guard [.get, .head].contains(request.method) || isCheck || isSignIn else {
            throw Failure(
                .readOnly,
                "This dashboard is read-only.",
                hint: "use the pages of the server below /ui, or start it with --writable"
            )
        }
        return try await next(request, context)
    }
}
