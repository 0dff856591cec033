import BalanceCore
package import Hummingbird
import Synchronization

/// What one request holds of the memory that all bodies together may take; given back when the request is answered.
package final class BodyShare: Sendable {
    /// That of the request which the task answers.
    @TaskLocal package static var current: BodyShare?

    private let budget: ByteBudget
    private let taken = Atomic<Int>(0)

    init(_ budget: ByteBudget) { self.budget = budget }

    deinit { budget.give(taken.load(ordering: .relaxed)) }

    /// - Throws: `Failure` with code `unavailable` where other requests hold what is left.
    package func take(_ count: Int) throws {
        guard budget.take(count, besides: taken.load(ordering: .relaxed)) else {
            throw Failure(
                .unavailable,
                "The memory for request bodies is in use by other requests.",
                hint: "try again, or raise BALANCEOPS_BODY_MEMORY"
            )
        }
        taken.add(count, ordering: .relaxed)
    }
}

/// Bounds the memory that the bodies of all requests take at once.
package struct BodyBudgetMiddleware<Context: RequestContext>: RouterMiddleware {
    private let budget: ByteBudget

    package init(_ budget: ByteBudget) { self.budget = budget }

    package func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard
            request.method == .post || request.method == .put || request.method == .patch
                || request.headers[.contentLength] != nil
        else { return try await next(request, context) }
        return try await BodyShare.$current.withValue(BodyShare(budget)) { try await next(request, context) }
    }
}
