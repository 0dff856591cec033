import BalanceCore
import BalanceNet
import Foundation
import HTTPTypes
import Hummingbird

/// One method and path of MLflow's JSON API.
struct MLflowEndpoint: Sendable {
    typealias Handler = @Sendable (MLflowFields) async throws -> JSONValue
    typealias Responder = @Sendable (MLflowFields) async throws -> Response

    var method: HTTPRequest.Method
    /// Below a root; its parameters become fields.
    var path: String
    var summary: String
    var permission: Permission
    /// Whether it is there for MLflow's own page only, below `/ajax-api`.
    var isAjaxOnly = false
    /// Whether it answers a list, which holds no more than the caller may see.
    var isList = false
    /// What the request asks for more than, or instead of, the permission; nil: that is all.
    var asks: (@Sendable (MLflowFields) async throws -> Permission)?
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
        permission = method == .get ? .read : .write
        self.responder = responder
    }

    init(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ summary: String,
        _ permission: Permission? = nil,
        isAjaxOnly: Bool = false,
        isList: Bool = false,
        asks: (@Sendable (MLflowFields) async throws -> Permission)? = nil,
        failures: [Failure.Code] = [],
        _ handler: @escaping Handler
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.permission = permission ?? (method == .get ? .read : .write)
        self.isAjaxOnly = isAjaxOnly
        self.isList = isList
        self.asks = asks
        self.failures = failures
        responder = { .json(try await handler($0)) }
    }

    /// The same below each root that it stands under.
    var endpoints: [Endpoint] {
        let roots = isAjaxOnly ? ["/ajax-api/2.0/mlflow"] : ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"]
        return roots.map { root in
            let route = RouteDescription(
                method.rawValue,
                "\(root)/\(path)",
                summary,
                body: method == .get ? nil : "MLflowRequest",
                answer: "MLflowAnswer",
                success: failures == [.notImplemented] ? [] : [200],
                failures: [.invalidParameter, .resourceNotFound, .alreadyExists] + failures
            )
            return Endpoint(route, permission, on: .handler) { try await answer($0, $1) }
        }
    }

    private func answer(_ request: Request, _ context: AppContext) async throws -> Response {
        let isQuery = method == .get
        // Some clients send the fields of a GET in a body, where there is no query (mlflow-export-import).
        let hasBody = isQuery && request.uri.query == nil && request.hasBody
        var fields = try await isQuery && !hasBody ? MLflowFields.query(request) : MLflowFields.body(request)
        for (name, value) in context.parameters {
            fields = fields.setting(String(name), String(value).removingPercentEncoding ?? String(value))
        }
        fields.actor = try Actor(request, context, otherwise: fields.actor.name)
        fields.require = { [fields] permission in
            // Whoever may do it to everything is asked no more, and what else is wrong with the fields is found later.
            if context.principal.everywhere.contains(permission) { return }
            try await context.require(permission, isList ? [.any] : fields.references(below: path))
        }
        try await fields.require(asks?(fields) ?? permission)
        if !isList, !context.principal.everywhere.contains(.read) {
            let origins = try fields.origins
            if !origins.isEmpty { try await context.require(.read, origins) }
        }
        do {
            return try await responder(fields)
        } catch let error as FilterError {
            throw error.failure(in: (try? fields.text("filter")) ?? "")
        }
    }
}

extension Request {
    /// Whether a body comes with it.
    fileprivate var hasBody: Bool {
        headers[.contentLength].flatMap { Int($0) } ?? 0 > 0 || headers[.transferEncoding] != nil
    }
}
