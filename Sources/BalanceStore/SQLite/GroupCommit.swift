import GRDB
import Synchronization

/// Commits writes that wait at the same time together: one transaction and one `fsync` for all of them.
///
/// A write that fails takes nothing of the others with it, and each is answered after the commit. Where the commit fails,
/// all of them fail.
final class GroupCommit: Sendable {
    /// A write that waits: what it does, and what it is told.
    private struct Item: Sendable {
        /// Does the write, perhaps a second time after a rollback.
        var body: @Sendable (any SQLConnection) throws -> Void
        /// Answers: nil after the commit, else why nothing was written.
        var finish: @Sendable ((any Error)?) -> Void
    }

    private struct State {
        var waiting: [Item] = []
        var isRunning = false
    }

    private let pool: DatabasePool
    private let files: DatabaseFiles
    private let state = Mutex(State())
    /// How many writes one transaction takes; more would keep the first waiting.
    private static let maximumGroup = 256
    /// How many transactions are run before other writers get their turn.
    private static let maximumRounds = 32

    init(pool: DatabasePool, files: DatabaseFiles) {
        self.pool = pool
        self.files = files
    }

    /// Runs `body` in a transaction, perhaps with those of others, and says what came of it after the commit, on the
    /// writer's thread.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        then: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        let value = Mutex<Value?>(nil)
        let item = Item { connection in
            let made = try body(connection)
            value.withLock { $0 = made }
        } finish: { error in
            if let error { return then(.failure(error)) }
            then(value.withLock { $0 }.map { .success($0) } ?? .failure(CancellationError()))
        }
        let isFirst = state.withLock { state in
            state.waiting.append(item)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if isFirst { drain() }
    }

    private func drain() {
        pool.asyncWriteWithoutTransaction { [self] database in
            for _ in 0..<Self.maximumRounds {
                guard let items = take() else { return }
                commit(items, database)
            }
            drain()
        }
    }

    /// What waits; nil, and the end of the draining, where nothing does.
    private func take() -> [Item]? {
        state.withLock { state in
            let items = Array(state.waiting.prefix(Self.maximumGroup))
            state.waiting.removeFirst(items.count)
            if items.isEmpty { state.isRunning = false }
            return items.isEmpty ? nil : items
        }
    }

    private func commit(_ items: [Item], _ database: Database) {
        let connection = SQLiteConnection(database: database)
        var isOneToBlame = false
        do {
            try files.writing {
                try database.inTransaction(.immediate) {
                    isOneToBlame = true
                    for item in items { try item.body(connection) }
                    isOneToBlame = false
                    return .commit
                }
            }
            for item in items { item.finish(nil) }
        } catch {
            // Seldom one of them fails. Nothing was written; now each gets a savepoint, and those that can succeed do.
            if isOneToBlame, items.count > 1 { return commitApart(items, database) }
            for item in items { item.finish(error) }
        }
    }

    private func commitApart(_ items: [Item], _ database: Database) {
        var failures: [(any Error)?] = []
        do {
            try files.writing {
                try database.inTransaction(.immediate) {
                    failures = try items.map { try Self.failure(of: $0, database) }
                    return .commit
                }
            }
            for (item, failure) in zip(items, failures) { item.finish(failure) }
        } catch {
            for item in items { item.finish(error) }
        }
    }

    /// Runs a write in a savepoint and returns why it failed, if it did.
    private static func failure(of item: Item, _ database: Database) throws -> (any Error)? {
        var failure: (any Error)?
        do {
            try database.inSavepoint {
                do {
                    try item.body(SQLiteConnection(database: database))
                    return .commit
                } catch {
                    failure = error
                    return .rollback
                }
            }
        } catch {
            // A full disk ends the whole transaction, and the savepoint with it.
            throw failure ?? error
        }
        return failure
    }
}
