import GRDB
import Synchronization

/// Runs short reads that wait at the same time one after another on one connection, so that a thread is woken for the
/// first of them alone.
///
/// Each read begins after it was asked for: it sees all that was committed before.
final class GroupRead: Sendable {
    /// A read that waits: it reads and answers, or is told why it cannot.
    private struct Item: Sendable {
        var run: @Sendable (Database) -> Void
        var fail: @Sendable (any Error) -> Void
    }

    private struct State {
        var waiting: [Item] = []
        var runners = 0
    }

    private let pool: DatabasePool
    private let state = Mutex(State())
    /// How many connections are used at most.
    private static let maximumRunners = 4
    /// How many reads may wait for each connection before another one is taken.
    private static let patience = 16
    /// How many reads share a transaction, which keeps the log from being emptied as long as it lasts.
    private static let maximumGroup = 64

    init(pool: DatabasePool) { self.pool = pool }

    /// Reads, and says on a reader's thread what came of it.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        then: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        let item = Item { database in
            then(Result { try body(SQLiteConnection(database: database)) })
        } fail: {
            then(.failure($0))
        }
        let isNeeded = state.withLock { state in
            state.waiting.append(item)
            let needs = state.runners == 0 || state.waiting.count > state.runners * Self.patience
            guard needs, state.runners < Self.maximumRunners else { return false }
            state.runners += 1
            return true
        }
        if isNeeded { drain() }
    }

    private func drain() {
        pool.asyncRead { [self] result in
            var isFirst = true
            while let items = take() {
                do {
                    let database = try result.get()
                    if !isFirst {
                        // What is committed meanwhile is seen by a new transaction only.
                        try database.commit()
                        try database.beginTransaction(.deferred)
                    }
                    isFirst = false
                    for item in items { item.run(database) }
                } catch {
                    for item in items { item.fail(error) }
                }
            }
        }
    }

    /// What waits; nil, and the end of this runner, where nothing does.
    private func take() -> [Item]? {
        state.withLock { state in
            let items = Array(state.waiting.prefix(Self.maximumGroup))
            state.waiting.removeFirst(items.count)
            if items.isEmpty { state.runners -= 1 }
            return items.isEmpty ? nil : items
        }
    }
}
