package import BalanceCore
import BalanceSystem
import NIOCore
import Synchronization

/// The model that one event loop saw last: under load a prediction takes no lock that another loop wants too.
// Safe to share: each is used on its event loop alone; LoopModelsByLoop gives it to no other.
package final class LoopModels: @unchecked Sendable {
    private let directory: any ModelDirectory
    private var name = ""
    private var model: ServedModel?
    private var changes: UInt64 = 0
    private var seenAt: UInt64 = 0

    /// For how long, in nanoseconds, a model that was seen is taken for the current one.
    ///
    /// A promotion takes longer to commit and to answer than this and what the model's host adds to it.
    private static let interval: UInt64 = 50_000

    package init(_ directory: any ModelDirectory) { self.directory = directory }

    /// As ``ModelDirectory/loaded(_:)``.
    func loaded(_ name: String) -> ServedModel? {
        let now = Monotonic.now()
        let changes = directory.changes
        // The names that come here are of ASCII, where equal texts are the same bytes; short ones are compared in a word.
        if now &- seenAt < Self.interval, self.changes == changes, self.name == name, let model { return model }
        model = directory.loaded(name)
        (self.name, self.changes, seenAt) = (name, changes, now)
        return model
    }
}

/// The models of each event loop.
final class LoopModelsByLoop: Sendable {
    private let directory: any ModelDirectory
    private let models = Mutex<[ObjectIdentifier: LoopModels]>([:])

    init(_ directory: any ModelDirectory) { self.directory = directory }

    /// Those of a connection's event loop; asked for once a connection.
    func of(_ loop: any EventLoop) -> LoopModels {
        models.withLock { models in
            let key = ObjectIdentifier(loop)
            if let known = models[key] { return known }
            let fresh = LoopModels(directory)
            models[key] = fresh
            return fresh
        }
    }
}
