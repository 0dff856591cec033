import GRDB
import Synchronization

/// Commits writes that wait at the same time together: one transaction and one `fsync` for all of them.
///
/// Each write has a savepoint of its own, so that one that fails takes nothing of the others with it, and each is answered
/// after the commit. Where the commit fails, all of them fail.
final class GroupCommit: Sendable {
    /// A write that waits: what it does, and what it is told.
    private struct Item: Sendable {
        /// Does the write; what it throws becomes its answer, and its savepoint is rolled back.
        var body: @Sendable (any SQLConnection) throws -> Void
        /// Answers: nil after the commit, else why nothing was written.
        var finish: @Sendable ((any Error)?) -> Void
    }

    private struct State {
        var waiting: [Item] = []
        var isRunning = false
    }

    private let pool: DatabasePool
    private let state = Mutex(State())
    /// How many writes one transaction takes; more would keep the first waiting.
    private static let maximumGroup = 256

    init(pool: DatabasePool) { self.pool = pool }

    /// Runs `body` in a transaction, perhaps with those of others, and returns after its commit.
    func write<Value: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> Value) async throws -> Value {
        let result = Mutex<Result<Value, any Error>?>(nil)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let item = Item { connection in
                let value = try body(connection)
                result.withLock { $0 = .success(value) }
            } finish: { error in
                if let error { continuation.resume(throwing: error) } else { continuation.resume() }
            }
            let isFirst = state.withLock { state in
                state.waiting.append(item)
                defer { state.isRunning = true }
                return !state.isRunning
            }
            if isFirst { drain() }
        }
        guard let value = try result.withLock({ $0 })?.get() else { throw CancellationError() }
        return value
    }

    /// Takes what waits, again and again until nothing does.
    private func drain() {
        let items = state.withLock { state -> [Item] in
            let items = Array(state.waiting.prefix(Self.maximumGroup))
            state.waiting.removeFirst(items.count)
            if items.isEmpty { state.isRunning = false }
            return items
        }
        guard !items.isEmpty else { return }
        pool.asyncWriteWithoutTransaction { [self] database in
            var failures: [(any Error)?] = []
            do {
                try database.inTransaction(.immediate) {
                    failures = try items.map { try Self.run($0, database, isAlone: items.count == 1) }
                    return .commit
                }
                for (item, failure) in zip(items, failures) { item.finish(failure) }
            } catch {
                for item in items { item.finish(error) }
            }
            drain()
        }
    }

    /// Runs a write in its savepoint and returns why it failed, if it did.
    private static func run(_ item: Item, _ database: Database, isAlone: Bool) throws -> (any Error)? {
        let connection = SQLiteConnection(database: database)
        // Without others the transaction is savepoint enough.
        if isAlone {
            try item.body(connection)
            return nil
        }
        var failure: (any Error)?
        try database.inSavepoint {
            do {
                try item.body(connection)
                return .commit
            } catch {
                failure = error
                return .rollback
            }
        }
        return failure
    }
}
