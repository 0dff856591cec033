package import BalanceNet
import Foundation
package import HTTPTypes
package import Hummingbird

extension HTTPField.Name {
    /// `X-Request-ID`; the name is a valid one, so the other branch is never taken.
    package static let requestID = HTTPField.Name("X-Request-ID") ?? .via
}

/// Gives every request an identity and every answer the same one.
package struct RequestIDMiddleware: RouterMiddleware {
    package init() {}

    package func handle(
        _ request: Request,
        context: AppContext,
        next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        let own = request.headers[.requestID].flatMap { $0.isEmpty || $0.utf8.count > 200 ? nil : $0 }
        let id = own ?? UUID().uuidString.lowercased()
        context.requestID = id
        var response = try await next(request, context)
        response.headers[.requestID] = id
        // What is said to be JSON or text is never taken for a page, whatever it holds.
        response.headers[.xContentTypeOptions] = "nosniff"
        return response
    }
}
