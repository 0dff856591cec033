import BalanceCore
import Foundation
import GRDB

/// A GRDB connection that takes the store's SQL.
///
/// Values are bound to, and read from, SQLite's own statement: GRDB's arguments and rows take three times as long. GRDB
/// still opens connections, prepares and keeps statements, and begins and ends transactions.
struct SQLiteConnection: SQLConnection {
    let database: Database

    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int {
        guard !arguments.isEmpty else {
            // A statement without arguments may change the schema, of which GRDB keeps an image.
            try database.cachedStatement(sql: sql).execute()
            return database.changesCount
        }
        try statement(sql).run(arguments)
        return database.changesCount
    }

    func execute(_ sql: String, each arguments: [[SQLValue]]) throws {
        let statement = try statement(sql)
        for values in arguments { try statement.run(values) }
    }

    func rows(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow] { try statement(sql).rows(arguments) }

    func freshRows(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow] {
        try SQLiteStatement(statement: database.makeStatement(sql: sql), database: database).rows(arguments)
    }

    private func statement(_ sql: String) throws -> SQLiteStatement {
        SQLiteStatement(statement: try database.cachedStatement(sql: sql), database: database)
    }
}

extension Failure {
    /// Says in the product's words what SQLite reported; the SQL and its values are never shown.
    static func database(_ error: any Error, path: String) -> Failure {
        guard let error = error as? DatabaseError else { return .from(error) }
        switch error.resultCode {
        case .SQLITE_FULL:
            return Failure(.storageFull, "the disk of \(path) is full", hint: "free some space", cause: error)
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            return Failure(
                .databaseUnreadable,
                "\(path) is damaged or not an SQLite database",
                hint: "restore a backup, or choose another file with --db",
                cause: error
            )
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_IOERR:
            return Failure(
                .databaseUnreadable,
                "cannot open or write \(path): \(error.message ?? "no reason given")",
                hint: "check the folder and its permissions",
                cause: error
            )
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return Failure(.unavailable, "\(path) is locked by another process", hint: "try again", cause: error)
        default: return .from(error)
        }
    }
}
