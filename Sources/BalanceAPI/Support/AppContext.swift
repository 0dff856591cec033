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
