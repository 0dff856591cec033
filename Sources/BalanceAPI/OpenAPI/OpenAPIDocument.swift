package import BalanceCore

/// The OpenAPI 3.1 document of a server, made from its route descriptions.
package enum OpenAPIDocument {
    package static func json(_ routes: [RouteDescription]) -> JSONValue {
        var paths: [(String, [(String, JSONValue)])] = []
        for route in routes {
            let entry = (route.method.lowercased(), operation(route))
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
            ("components", .object([("schemas", OpenAPISchemas.json)])),
        ])
    }

    private static func operation(_ route: RouteDescription) -> JSONValue {
        var members: [(String, JSONValue)] = [("summary", .string(route.summary))]
        if !route.parameters.isEmpty { members.append(("parameters", .array(route.parameters.map(parameter)))) }
        if let body = route.body {
            let request = JSONValue.object([("required", .bool(true)), ("content", content("application/json", body))])
            members.append(("requestBody", request))
        }
        let success = JSONValue.object([
            ("description", .string(route.summary)), ("content", content(route.contentType, route.answer)),
        ])
        members.append(("responses", .object([("200", success)] + failures(of: route))))
        return .object(members)
    }

    private static func parameter(_ parameter: RouteDescription.Parameter) -> JSONValue {
        .object([
            ("name", .string(parameter.name)), ("in", .string(parameter.place.rawValue)),
            ("required", .bool(parameter.place == .path)), ("schema", parameter.schema),
        ])
    }

    private static func failures(of route: RouteDescription) -> [(String, JSONValue)] {
        let byStatus = Dictionary(grouping: route.failures + [.hostNotAllowed], by: \.row.status)
        return byStatus.keys.sorted().map { status in
            let codes = (byStatus[status] ?? []).map(\.rawValue).joined(separator: ", ")
            return (
                String(status),
                .object([("description", .string(codes)), ("content", content("application/json", "Error"))])
            )
        }
    }

    private static func content(_ type: String, _ schema: String?) -> JSONValue {
        let reference = schema.map { JSONValue.object([("$ref", .string("#/components/schemas/\($0)"))]) }
        return .object([(type, .object([("schema", reference ?? .object([("type", "string")]))]))])
    }
}
