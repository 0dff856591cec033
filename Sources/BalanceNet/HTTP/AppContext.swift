package import BalanceCore
import Foundation
package import Hummingbird
package import Logging
import NIOCore

/// What one request carries through the handlers.
package struct AppContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The caller's `X-Request-ID`, or a new one.
    package var requestID = ""
    /// Who asks; a handler runs behind the check of its endpoint.
    package var principal = Principal.unchecked
    /// Judges the caller by more than the endpoint's own permission.
    package var access: AccessCheck?
    /// What the cookie of a browser holds that is signed in, where that is how the caller proved who it is.
    package var session: String?
    /// Where the connection comes from.
    package let peer: NetworkAddress?

    package init(source: Source) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress?.ipAddress.flatMap(NetworkAddress.init)
    }

    /// Of a request that comes from this process and over no connection.
    package init(logger: Logger) {
        coreContext = .init(source: OwnSource(logger: logger))
        peer = nil
    }

    private struct OwnSource: RequestContextSource {
        let logger: Logger
    }
}

extension AppContext {
    /// A parameter of the path, decoded.
    package func text(_ name: String) throws -> String {
        let text = try parameters.require(name)
        return text.removingPercentEncoding ?? text
    }

    /// What stands behind the fixed part of the path, decoded.
    package func rest() -> String {
        parameters.getCatchAll().map { String($0).removingPercentEncoding ?? String($0) }.joined(separator: "/")
    }

    /// The run that the path names.
    package func runID() throws -> RunID { RunID(native: try text("run_id")) }

    /// The version that the path names.
    ///
    /// - Throws: `Failure` with code `invalidParameter`.
    package func versionNumber() throws -> Int {
        let text = try text("version")
        guard let number = Int(plain: text), number > 0 else {
            throw Failure(.invalidParameter, "invalid version '\(text.prefix(50))'", hint: "use a number, such as 7")
        }
        return number
    }

    /// Who asks, for the trail.
    ///
    /// - Throws: `Failure` with code `actorMismatch`.
    package func actor(saying said: String? = nil, otherwise standard: String) throws -> Actor {
        try Actor(principal, saying: said, otherwise: standard, requestID: requestID)
    }

    /// Refuses a caller that may not do something to objects.
    ///
    /// - Throws: `Failure` with code `permissionDenied`, or `resourceNotFound` for what the caller may not even see.
    package func require(_ permission: Permission, _ objects: [ObjectReference]) async throws {
        try await access?.require(permission, objects, of: principal, requestID: requestID)
    }
}
