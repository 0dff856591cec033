package import BalanceNet
import BalanceCore
package import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// Turns every error into the one error shape; what a client may not see goes into the log.
package struct FailureMiddleware: RouterMiddleware {
    private let routes: [RouteDescription]

    /// - Parameter endpoints: All of the server, to tell an unknown path from a wrong method.
    package init(_ endpoints: [Endpoint]) { routes = endpoints.map(\.route) }

    package func handle(
        _ request: Request,
        context: AppContext,
        next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as any HTTPResponseError where error.status == .notFound {
            return answer(unmatched(request), request, context)
        } catch {
            let failure = Self.failure(error)
            if failure.code.row.status >= 500, !Self.expected.contains(failure.code) {
                Self.log(failure, to: context.logger)
            }
            return answer(failure, request, context)
        }
    }

    /// What a client is told and an operator caused: a line for each request would hide what matters.
    private static let expected: Set<Failure.Code> = [.modelUnloaded, .unavailable, .notImplemented]

    /// Writes down a failure of the server with what caused it.
    static func log(_ failure: Failure, to logger: Logger) {
        let cause = failure.cause.map { String("\($0)".prefix(2000)) } ?? ""
        logger.error("\(failure.message)", metadata: ["cause": "\(cause)"])
    }

    /// The failure in the shape that the callers of this path know.
    private func answer(_ failure: Failure, _ request: Request, _ context: AppContext) -> Response {
        var response = shaped(failure, request, context)
        if failure.code == .unavailable { response.headers[.retryAfter] = "1" }
        if failure.code == .unauthenticated {
            response.headers[.wwwAuthenticate] =
                "Bearer realm=\"balanceops\", Basic realm=\"balanceops\", charset=\"UTF-8\""
        }
        if failure.code == .tooManyAttempts, let rest = failure.details?["retry_after"]?.integer {
            response.headers[.retryAfter] = String(rest)
        }
        if failure.code == .methodNotAllowed { response.headers[.allow] = methods(of: request).joined(separator: ", ") }
        // A body after a HEAD would be read as the beginning of the next answer.
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func shaped(_ failure: Failure, _ request: Request, _ context: AppContext) -> Response {
        // As the descriptions do; looking for the route among all of them would cost more than most answers.
        switch FailureDialect(path: request.uri.path) {
        case .mlflow: return .mlflowFailure(failure)
        case .inference: return .inferenceFailure(failure)
        case .scoring: return .scoringFailure(failure)
        case .native, .page:
            return .failure(failure, requestID: context.requestID)
        }
    }

    private func methods(of request: Request) -> [String] {
        Set(routes.filter { $0.matches(request.uri.path) }.map(\.method)).sorted()
    }

    private func unmatched(_ request: Request) -> Failure {
        let methods = methods(of: request)
        if methods.isEmpty {
            guard let family = Self.notOffered(request.uri.path) else {
                return Failure(.notFound, "Not Found", hint: "GET /openapi.json lists every route.")
            }
            return Failure(
                .notFound,
                "Not Found: MLflow \(family) are not supported by BalanceOps.",
                hint: "supported: experiments, runs, artifacts, logged models, registered models and prompts"
            )
        }
        let allowed = methods.joined(separator: ", ")
        return Failure(.methodNotAllowed, "Method Not Allowed", hint: "Allowed methods: \(allowed).")
    }

    /// What MLflow's clients ask for that has no counterpart here, by a part of the path.
    private static func notOffered(_ path: String) -> String? {
        guard FailureDialect(path: path) == .mlflow else { return nil }
        let parts = Set(path.split(separator: "/").map { $0.lowercased() })
        let families = [
            ("traces", "traces"), ("trace", "traces"), ("assessments", "trace assessments"),
            ("datasets", "evaluation datasets"),
            ("scorers", "scorers"), ("gateway", "gateway routes"), ("endpoints", "gateway routes"),
            ("secrets", "gateway secrets"), ("webhooks", "webhooks"), ("jobs", "jobs"), ("users", "users"),
            ("prompt-optimization", "prompt optimizations"),
        ]
        return families.first { parts.contains($0.0) }?.1
    }

    private static func failure(_ error: any Error) -> Failure {
        if error is NIOTooManyBytesError || (error as? any HTTPResponseError)?.status == .contentTooLarge {
            return Failure(.bodyTooLarge, "The request body is too large.", hint: "Send a smaller request.")
        }
        if error is HTTPParserError {
            return Failure(.invalidArgument, "The request body is not valid HTTP.", hint: "Send a Content-Length.")
        }
        return Failure.from(error)
    }
}
