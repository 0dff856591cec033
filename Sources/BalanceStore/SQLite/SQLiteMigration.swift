import BalanceSystem
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
                guard schema >= 0 else { throw Failure(.databaseUnreadable, "invalid schema \(schema) in \(path)") }
                return .ours(schema: schema)
            }
            if application == 0, tables.isEmpty { return .empty }
            if application == 0, tables.isSuperset(of: OriginalSchema.columns.keys) {
                try checkOriginal(database, path, tables)
                return .original
            }
            throw Failure(
                .databaseNotOurs,
                "\(path) is the SQLite database of another program",
                hint: "choose another file with --db or BALANCEOPS_DB"
            )
        }
    }

    /// Says what is in the way of bringing an original database over.
    private static func checkOriginal(_ database: Database, _ path: String, _ tables: Set<String>) throws {
        for (table, columns) in OriginalSchema.columns {
            let found = Set(try database.columns(in: table).map(\.name))
            guard let missing = columns.first(where: { !found.contains($0) }) else { continue }
            throw Failure(
                .databaseNotOurs,
                "missing column '\(missing)' in table '\(table)' of \(path)",
                hint: "choose another file with --db or BALANCEOPS_DB"
            )
        }
        let names = Migrations.tableNames.intersection(tables).sorted()
        guard names.isEmpty else {
            throw Failure(
                .databaseNotOurs,
                "\(path) has tables with names reserved by BalanceOps: \(names.joined(separator: ", "))",
                hint: "rename them, or choose another file with --db or BALANCEOPS_DB"
            )
        }
    }

    /// Reads without writing, unless a crash left a journal that SQLite has to roll back before anybody can read.
    private static func look<Value>(at path: String, _ body: (Database) throws -> Value) throws -> Value {
        var configuration = SQLiteDatabase.configuration(readonly: true)
        configuration.foreignKeysEnabled = false
        do {
            return try DatabaseQueue(path: path, configuration: configuration).read(body)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_READONLY {
            configuration.readonly = false
            return try DatabaseQueue(path: path, configuration: configuration).read(body)
        }
    }

    private static func migrate(at path: String, from state: State) throws {
        var configuration = SQLiteDatabase.configuration()
        // Renaming and filling tables in any order is allowed inside the migration; it is checked at its end.
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        let backup = state == .empty ? nil : try backUp(queue, path: path, state: state)
        do {
            try transform(queue, path: path, from: state)
        } catch {
            // Nothing changed, so the copy is of no use; a service that restarts must not fill the disk with them.
            if let backup { unlink(backup) }
            throw error
        }
    }

    private static func transform(_ queue: DatabaseQueue, path: String, from state: State) throws {
        let first = if case .ours(let schema) = state { schema } else { 0 }
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.inTransaction(.immediate) {
                let connection = SQLiteConnection(database: database)
                if state == .original { try OriginalSchema.setAside(connection) }
                for migration in Migrations.all[first...] { try migration(connection) }
                if state == .original { try OriginalSchema.bringOver(connection) }
                for table in Migrations.tableNames
                where try Row.fetchOne(database, sql: "PRAGMA foreign_key_check(\(table))") != nil {
                    throw Failure(.databaseUnreadable, "\(path) has rows that refer to missing rows")
                }
                try database.execute(sql: "PRAGMA application_id = \(applicationID)")
                try database.execute(sql: "PRAGMA user_version = \(Migrations.all.count)")
                return .commit
            }
        }
    }

    private static func backUp(_ queue: DatabaseQueue, path: String, state: State) throws -> String {
        let label = if case .ours(let schema) = state { "schema\(schema)" } else { "original" }
        let stamp = Timestamp.now().compact
        let target = "\(path).backup-\(label)-\(stamp)"
        let unfinished = target + ".tmp"
        try? FileManager.default.removeItem(atPath: unfinished)
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "VACUUM INTO ?", arguments: [unfinished])
        }
        try FileSystem.publish(unfinished, as: target)
        return target
    }

    private static func tooNew(_ path: String, _ schema: Int) -> Failure {
        Failure(
            .schemaTooNew,
            "\(path) has schema \(schema) of a newer BalanceOps; this version supports up to \(Migrations.all.count)",
            hint: "install the newer version, or restore a backup from before the update"
        )
    }
}
