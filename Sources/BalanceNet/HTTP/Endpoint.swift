package import BalanceCore
import HTTPTypes
package import Hummingbird
import NIOCore

/// One method and path of the server: what it is, who may call it, and what answers.
///
/// Routes, the OpenAPI document, the form of errors and the table of permissions are made from the one list of these.
package struct Endpoint: Sendable {
    package typealias Handler = @Sendable (Request, AppContext) async throws -> Response

    package var route: RouteDescription
    package var permission: Permission
    /// What the permission is asked on.
    package var objects: ObjectRule
    package var handler: Handler
    /// Whether a browser's sign-in counts here.
    package var isPage = false
    /// Answers a caller that is refused in a form of its own.
    package var refused: (@Sendable (Failure, Request, AppContext) async -> Response)?

    package init(
        _ route: RouteDescription,
        _ permission: Permission,
        on objects: ObjectRule = .path,
        handler: @escaping Handler
    ) {
        self.route = route
        self.permission = permission
        self.objects = objects
        self.handler = handler
    }

    /// One that answers with JSON.
    package init(
        _ route: RouteDescription,
        _ permission: Permission,
        on objects: ObjectRule = .path,
        json: @escaping @Sendable (Request, AppContext) async throws -> JSONValue
    ) {
        self.init(route, permission, on: objects) { .json(try await json($0, $1)) }
    }
}

/// How an endpoint's objects are found in a request.
package enum ObjectRule: Sendable {
    /// By the parameters of its path; the server as a whole where those name nothing.
    case path
    /// A list, whose answer holds no more than the caller may see, or something that tells nothing of any object.
    case any
    /// The model whose routes name none.
    case model
    case these(@Sendable (Request, AppContext) async throws -> [ObjectReference])
    /// The handler asks itself, behind the reading of its body.
    case handler

    /// nil where the handler asks.
    func references(
        _ request: Request,
        _ context: AppContext,
        _ route: RouteDescription
    ) async throws -> [ObjectReference]? {
        switch self {
        case .path: Self.named(by: route, context)
        case .any: [.any]
        case .model: [.model(defaultModelName)]
        case .these(let find): try await find(request, context)
        case .handler: nil
        }
    }

    private static func named(by route: RouteDescription, _ context: AppContext) -> [ObjectReference] {
        let parts = route.path.split(separator: "/").map(String.init)
        var found: [ObjectReference] = []
        for (before, part) in zip([""] + parts, parts) {
            guard part.hasPrefix("{"), let text = try? context.text(String(part.dropFirst().dropLast())) else {
                continue
            }
            switch (before, part) {
            case ("models", "{name}"): found.append(.model(text))
            case (_, "{run_id}"): found.append(.run(text))
            case (_, "{experiment_id}"): found.append(.experiment(text))
            default: continue
            }
        }
        return found.isEmpty ? [.server] : found
    }
}

extension Router<AppContext> {
    /// Adds an endpoint for each; a last parameter called `path` takes the rest of the address.
    package func add(_ endpoints: [Endpoint], behind authentication: Authentication) {
        for endpoint in endpoints {
            guard let method = HTTPRequest.Method(endpoint.route.method) else { continue }
            let path =
                endpoint.route.takesRest ? "\(endpoint.route.path.dropLast("{path}".count))**" : endpoint.route.path
            on(RouterPath(path), method: method) { request, context in
                try await authentication.answer(endpoint, request, context)
            }
        }
    }
}

extension Response {
    /// A JSON answer.
    package static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.bytes()))
        )
    }
}
