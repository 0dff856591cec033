package import BalanceCore
package import BalanceNet
import Foundation

/// The OpenAPI 3.1 document of a server, made from its route descriptions.
package enum OpenAPIDocument {
    /// The endpoint that answers with the document of others and itself.
    package static func endpoint(of others: [Endpoint]) -> Endpoint {
        let route = RouteDescription("GET", "/openapi.json", "This document.", answer: "Document")
        let document = json(others + [Endpoint(route, .read, on: .any) { _, _ in .json(.null) }])
        return Endpoint(route, .read, on: .any) { _, _ in .json(document) }
    }

    package static func json(_ endpoints: [Endpoint]) -> JSONValue {
        var paths: [(String, [(String, JSONValue)])] = []
        for endpoint in endpoints {
            let route = endpoint.route
            let entry = (route.method.lowercased(), operation(endpoint))
            if let index = paths.firstIndex(where: { $0.0 == route.path }) {
                paths[index].1.append(entry)
            } else {
                paths.append((route.path, [entry]))
            }
        }
        return .object([
            ("openapi", "3.1.0"),
            (
                "info",
                .object([
                    ("title", "BalanceOps"), ("version", .string(Build.version)),
                    ("description", "Runs, the current model, and predictions."),
                ])
            ),
            ("paths", .object(paths.map { ($0.0, .object($0.1)) })),
            (
                "components",
                .object([("schemas", OpenAPISchemas.json), ("securitySchemes", securitySchemes)])
            ),
        ])
    }

    /// How callers prove who they are, where accounts are on.
    private static let securitySchemes = JSONValue.object([
        ("token", .object([("type", "http"), ("scheme", "bearer"), ("bearerFormat", "bops_…")])),
        ("basic", .object([("type", "http"), ("scheme", "basic")])),
    ])

    private static func operation(_ endpoint: Endpoint) -> JSONValue {
        let route = endpoint.route
        var members: [(String, JSONValue)] = [
            ("summary", .string(route.summary)), ("x-permission", .string(endpoint.permission.rawValue)),
        ]
        // The empty one stands for servers without accounts.
        let ways = ["token", "basic"].map { JSONValue.object([($0, .array([]))]) } + [.object([])]
        if endpoint.permission != .open { members.append(("security", .array(ways))) }
        if !route.parameters.isEmpty { members.append(("parameters", .array(route.parameters.map(parameter)))) }
        if route.readsBody {
            let request = JSONValue.object([
                ("required", .bool(route.body != nil)), ("content", .object([requestContent(route)])),
            ])
            members.append(("requestBody", request))
        }
        members.append(("responses", .object(route.success.map { success($0, route) } + failures(of: endpoint))))
        return .object(members)
    }

    private static func requestContent(_ route: RouteDescription) -> (String, JSONValue) {
        if let body = route.body { return content("application/json", schema: reference(body)) }
        if route.takesFile { return content("*/*", schema: .object([("type", "string"), ("format", "binary")])) }
        let fields = route.form.map { ($0, JSONValue.object([("type", "string")])) }
        return content(
            "application/x-www-form-urlencoded",
            schema: .object([("type", "object"), ("properties", .object(fields))])
        )
    }

    private static func success(_ status: Int, _ route: RouteDescription) -> (String, JSONValue) {
        var members: [(String, JSONValue)] = [("description", .string(route.summary))]
        if status < 300, !route.contentType.isEmpty {
            let references = route.answers.map(reference)
            let schema = references.count > 1 ? JSONValue.object([("anyOf", .array(references))]) : references.first
            let types = route.contentType.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            let contents = types.map { type in
                let isJSON = type == "application/json"
                return content(type, schema: (isJSON ? schema : nil) ?? .object([("type", "string")]))
            }
            members.append(("content", .object(contents)))
        }
        return (String(status), .object(members))
    }

    private static func parameter(_ parameter: RouteDescription.Parameter) -> JSONValue {
        .object([
            ("name", .string(parameter.name)), ("in", .string(parameter.place.rawValue)),
            ("required", .bool(parameter.place == .path)), ("schema", parameter.schema),
        ])
    }

    private static func failures(of endpoint: Endpoint) -> [(String, JSONValue)] {
        let route = endpoint.route
        let dialect = route.dialect
        let access: [Failure.Code] = endpoint.permission == .open ? [] : [.unauthenticated, .permissionDenied]
        let reading: [Failure.Code] =
            route.readsBody ? [.bodyTooLarge, .mediaTypeNotSupported, .invalidParameter, .unavailable] : []
        let byStatus = Dictionary(grouping: route.failures + reading + access + [.hostNotAllowed], by: dialect.status)
        let statuses = byStatus.keys.sorted().filter { !route.success.contains($0) }.map { status in
            let codes = Set((byStatus[status] ?? []).map(\.rawValue)).sorted().joined(separator: ", ")
            return (String(status), failure(codes, dialect, status))
        }
        return statuses + [("5XX", failure("A server error, or a temporary unavailability.", dialect, 500))]
    }

    private static func failure(_ description: String, _ dialect: FailureDialect, _ status: Int) -> JSONValue {
        var contents: [(String, JSONValue)] = []
        switch dialect {
        case .mlflow, .scoring: contents = [content("application/json", schema: reference("MLflowError"))]
        case .inference: contents = [content("application/json", schema: reference("InferenceError"))]
        case .native: contents = [content("application/json", schema: reference("Error"))]
        case .page:
            // A request that is refused before a page is made has the native form.
            contents = [
                content("text/html", schema: .object([("type", "string")])),
                content("application/json", schema: reference("Error")),
            ]
        }
        return .object([("description", .string(description)), ("content", .object(contents))])
    }

    private static func reference(_ name: String) -> JSONValue {
        .object([("$ref", .string("#/components/schemas/\(name)"))])
    }

    private static func content(_ type: String, schema: JSONValue) -> (String, JSONValue) {
        (type, .object([("schema", schema)]))
    }
}
