import BalanceCore
import Foundation
import GRDB

/// A GRDB connection that takes the store's SQL.
struct SQLiteConnection: SQLConnection {
    let database: Database

    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int {
        try database.cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments.map(\.databaseValue)))
        return database.changesCount
    }

    func execute(_ sql: String, each arguments: [[SQLValue]]) throws {
        let statement = try database.cachedStatement(sql: sql)
        for values in arguments {
            // Their number is this file's callers' own; checking it a thousand times a request is what would cost.
            statement.setUncheckedArguments(StatementArguments(values.map(\.databaseValue)))
            try statement.execute()
        }
    }

    func rows(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow] {
        try rows(database.cachedStatement(sql: sql), arguments)
    }

    func freshRows(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow] {
        try rows(database.makeStatement(sql: sql), arguments)
    }

    private func rows(_ statement: Statement, _ arguments: [SQLValue]) throws -> [SQLRow] {
        let cursor = try Row.fetchCursor(
            statement,
            arguments: StatementArguments(arguments.map(\.databaseValue))
        )
        var rows: [SQLRow] = []
        while let row = try cursor.next() {
            rows.append(SQLRow(values: row.databaseValues.map(SQLValue.init)))
        }
        return rows
    }
}

extension SQLValue {
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let number): number.databaseValue
        case .real(let number): number.databaseValue
        case .text(let text): text.databaseValue
        case .blob(let bytes): Data(bytes).databaseValue
        }
    }

    fileprivate init(_ value: DatabaseValue) {
        switch value.storage {
        case .null: self = .null
        case .int64(let number): self = .integer(Int(number))
        case .double(let number): self = .real(number)
        case .string(let text): self = .text(text)
        case .blob(let data): self = .blob(Array(data))
        }
    }
}

extension Failure {
    /// Says in the product's words what SQLite reported; the SQL and its values are never shown.
    static func database(_ error: any Error, path: String) -> Failure {
        guard let error = error as? DatabaseError else { return .from(error) }
        switch error.resultCode {
        case .SQLITE_FULL:
            return Failure(.storageFull, "the disk that holds \(path) is full", hint: "free some space", cause: error)
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            return Failure(
                .databaseUnreadable,
                "\(path) is damaged or not an SQLite database",
                hint: "restore a backup, or name another file with --db",
                cause: error
            )
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_IOERR:
            return Failure(
                .databaseUnreadable,
                "\(path) cannot be opened or written: \(error.message ?? "no reason given")",
                hint: "check the folder and its permissions",
                cause: error
            )
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return Failure(.unavailable, "another process keeps \(path) locked", hint: "try again", cause: error)
        default: return .from(error)
        }
    }
}
