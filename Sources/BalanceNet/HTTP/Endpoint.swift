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
    package var handler: Handler

    package init(_ route: RouteDescription, _ permission: Permission, handler: @escaping Handler) {
        self.route = route
        self.permission = permission
        self.handler = handler
    }

    /// One that answers with JSON.
    package init(
        _ route: RouteDescription,
        _ permission: Permission,
        json: @escaping @Sendable (Request, AppContext) async throws -> JSONValue
    ) {
        self.init(route, permission) { .json(try await json($0, $1)) }
    }
}

extension Router<AppContext> {
    /// Adds an endpoint for each; a last parameter called `path` takes the rest of the address.
    package func add(_ endpoints: [Endpoint]) {
        for endpoint in endpoints {
            guard let method = HTTPRequest.Method(endpoint.route.method) else { continue }
            let path =
                endpoint.route.takesRest ? "\(endpoint.route.path.dropLast("{path}".count))**" : endpoint.route.path
            on(RouterPath(path), method: method, use: endpoint.handler)
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
