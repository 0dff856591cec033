import BalanceCore
import Foundation
import HTTPTypes
import Hummingbird

/// One method and path of MLflow's JSON API.
struct MLflowEndpoint: Sendable {
    typealias Handler = @Sendable (MLflowFields) async throws -> JSONValue
    typealias Responder = @Sendable (MLflowFields) async throws -> Response

    var method: HTTPRequest.Method
    /// Below a root; parameters in braces become fields.
    var path: String
    var summary: String
    /// Whether it is there for MLflow's own page only, below `/ajax-api`.
    var isAjaxOnly = false
    /// What it can fail with besides what every endpoint can.
    var failures: [Failure.Code] = []
    var responder: Responder

    /// One whose answer is more than a JSON value in memory.
    init(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ summary: String,
        responder: @escaping Responder
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.responder = responder
    }

    init(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ summary: String,
        isAjaxOnly: Bool = false,
        failures: [Failure.Code] = [],
        _ handler: @escaping Handler
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.isAjaxOnly = isAjaxOnly
        self.failures = failures
        responder = { .json(try await handler($0)) }
    }

    /// The roots that it stands below.
    var roots: [String] { isAjaxOnly ? ["/ajax-api/2.0/mlflow"] : ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"] }

    var descriptions: [RouteDescription] {
        let names = path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
        return roots.map { root in
            RouteDescription(
                method.rawValue,
                "\(root)/\(path)",
                summary,
                parameters: names.map { .init($0, in: .path, [("type", "string")]) },
                body: method == .get ? nil : "MLflowRequest",
                answer: "MLflowAnswer",
                success: failures == [.notImplemented] ? [] : [200],
                failures: [.invalidParameter, .resourceNotFound, .alreadyExists] + failures
            )
        }
    }

    func addRoutes(to router: Router<AppContext>) {
        let responder = responder
        let isQuery = method == .get
        for root in roots {
            router.on(RouterPath("\(root)/\(path)"), method: method) { request, context in
                // Some clients send the fields of a GET in a body, where there is no query (mlflow-export-import).
                let hasBody = isQuery && request.uri.query == nil && request.hasBody
                var fields = try await isQuery && !hasBody ? MLflowFields.query(request) : MLflowFields.body(request)
                for (name, value) in context.parameters {
                    fields = fields.setting(String(name), String(value).removingPercentEncoding ?? String(value))
                }
                fields.actor = Actor(request, requestID: context.requestID, otherwise: fields.actor.name)
                do {
                    return try await responder(fields)
                } catch let error as FilterError {
                    throw error.failure(in: (try? fields.text("filter")) ?? "")
                }
            }
        }
    }
}

extension Request {
    /// Whether a body comes with it.
    fileprivate var hasBody: Bool {
        headers[.contentLength].flatMap { Int($0) } ?? 0 > 0 || headers[.transferEncoding] != nil
    }
}
