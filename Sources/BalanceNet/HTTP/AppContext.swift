package import BalanceCore
import Foundation
package import Hummingbird

/// What one request carries through the handlers.
package struct AppContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The caller's `X-Request-ID`, or a new one.
    package var requestID = ""

    package init(source: Source) {
        coreContext = .init(source: source)
    }
}

extension AppContext {
    /// A parameter of the path, decoded.
    package func text(_ name: String) throws -> String {
        let text = try parameters.require(name)
        return text.removingPercentEncoding ?? text
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
}
