import BalanceCore
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
    /// The run that the path names.
    func runID() throws -> RunID {
        let text = try parameters.require("run_id")
        return RunID(native: text.removingPercentEncoding ?? text)
    }
}
