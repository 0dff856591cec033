import BalanceCore
import Foundation
import HTTPTypes
import Hummingbird

/// One method and path of MLflow's JSON API.
struct MLflowEndpoint: Sendable {
    typealias Handler = @Sendable (MLflowFields) async throws -> JSONValue

    var method: HTTPRequest.Method
    /// Below a root; parameters in braces become fields.
    var path: String
    var summary: String
    /// Whether it is there for MLflow's own page only, below `/ajax-api`.
    var isAjaxOnly = false
    var handler: Handler

    init(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ summary: String,
        isAjaxOnly: Bool = false,
        _ handler: @escaping Handler
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.isAjaxOnly = isAjaxOnly
        self.handler = handler
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
                failures: [.invalidParameter, .resourceNotFound, .alreadyExists]
            )
        }
    }

    func addRoutes(to router: Router<AppContext>) {
        let handler = handler
        let isQuery = method == .get
        for root in roots {
            router.on(RouterPath("\(root)/\(path)"), method: method) { request, context in
                var fields = try await isQuery ? MLflowFields.query(request) : MLflowFields.body(request)
                for (name, value) in context.parameters {
                    fields = fields.setting(String(name), String(value).removingPercentEncoding ?? String(value))
                }
                do {
                    return Response.json(try await handler(fields))
                } catch let error as FilterError {
                    throw error.failure(in: (try? fields.text("filter")) ?? "")
                }
            }
        }
    }
}
