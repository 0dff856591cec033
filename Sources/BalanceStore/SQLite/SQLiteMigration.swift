import BalanceCore
import Foundation
import GRDB

/// Brings an SQLite file to the newest schema: forward only, in one transaction, after a backup beside the file.
enum SQLiteMigration {
    /// `BOPS`, in the header of every database that is ours.
    static let applicationID = 0x424F_5053

    /// What a file is before it is opened for writing.
    enum State: Equatable {
        case empty
        case original
        case ours(schema: Int)
    }

    static func run(at path: String) throws {
        if try state(of: path) == .ours(schema: Migrations.all.count) { return }
        // Two processes that start at once: the second waits here and then finds the work done.
        try FileLock.withLock(at: path + ".lock") {
            let state = try state(of: path)
            if state == .ours(schema: Migrations.all.count) { return }
            try migrate(at: path, from: state)
        }
    }

    /// Looks at a file without changing it.
    static func state(of path: String) throws -> State {
        guard FileSystem.size(of: path) ?? 0 > 0 else { return .empty }
        return try look(at: path) { database in
            let schema = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
            let tables = try String.fetchSet(
                database,
                sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
            if application == applicationID {
                if schema > Migrations.all.count { throw tooNew(path, schema) }
                return .ours(schema: schema)
            }
            if application == 0, tables.isEmpty { return .empty }
            if application == 0, tables.isSuperset(of: ["runs", "metrics", "artifacts", "models"]) { return .original }
            throw Failure(
                .databaseNotOurs,
                "\(path) is an SQLite database of another program",
                hint: "name another file with --db or BALANCEOPS_DB"
            )
        }
    }

    /// A database in WAL mode can only be read where its folder can be written, so that is tried first.
    private static func look<Value>(at path: String, _ body: (Database) throws -> Value) throws -> Value {
        var configuration = SQLiteDatabase.configuration(readonly: true)
        configuration.foreignKeysEnabled = false
        return try DatabaseQueue(path: path, configuration: configuration).read(body)
    }

    private static func migrate(at path: String, from state: State) throws {
        var configuration = SQLiteDatabase.configuration()
        // Renaming and filling tables in any order is allowed inside the migration; it is checked at its end.
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        if state != .empty { try backUp(queue, path: path, state: state) }
        let first = if case .ours(let schema) = state { schema } else { 0 }
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.inTransaction(.immediate) {
                let connection = SQLiteConnection(database: database)
                if state == .original { try OriginalSchema.setAside(connection) }
                for migration in Migrations.all[first...] { try migration(connection) }
                if state == .original { try OriginalSchema.bringOver(connection) }
                if try Row.fetchOne(database, sql: "PRAGMA foreign_key_check") != nil {
                    throw Failure(.databaseUnreadable, "\(path) holds rows that refer to missing rows")
                }
                try database.execute(sql: "PRAGMA application_id = \(applicationID)")
                try database.execute(sql: "PRAGMA user_version = \(Migrations.all.count)")
                return .commit
            }
        }
    }

    private static func backUp(_ queue: DatabaseQueue, path: String, state: State) throws {
        let label = if case .ours(let schema) = state { "schema\(schema)" } else { "original" }
        let stamp = Timestamp.now().compact
        let target = "\(path).backup-\(label)-\(stamp)"
        let unfinished = target + ".tmp"
        try? FileManager.default.removeItem(atPath: unfinished)
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "VACUUM INTO ?", arguments: [unfinished])
        }
        try FileSystem.publish(unfinished, as: target)
    }

    private static func tooNew(_ path: String, _ schema: Int) -> Failure {
        Failure(
            .schemaTooNew,
            "\(path) has schema \(schema), made by a newer BalanceOps; this one knows up to \(Migrations.all.count)",
            hint: "install that newer version, or restore a backup that was made before the update"
        )
    }
}
