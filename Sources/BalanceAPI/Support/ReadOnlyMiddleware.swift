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
        guard [.get, .head].contains(request.method) || isCheck else {
            throw Failure(
                .readOnly,
                "This dashboard is read-only.",
                hint: "use the pages of the server below /ui, or start it with --writable"
            )
        }
        return try await next(request, context)
    }
}
