import BalanceCore
import GRDB

/// An SQLite file of another program, for reading only.
package struct ForeignSQLite: Sendable {
    private let queue: DatabaseQueue

    /// - Throws: `Failure` with code `databaseUnreadable`.
    package init(path: String) throws {
        do {
            var configuration = SQLiteDatabase.configuration(readonly: true)
            configuration.foreignKeysEnabled = false
            queue = try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw Failure.database(error, path: path)
        }
    }

    package func rows(_ sql: String, _ arguments: [SQLValue] = []) throws -> [SQLRow] {
        do {
            return try queue.read { try SQLiteConnection(database: $0).rows(sql, arguments) }
        } catch {
            throw Failure(.databaseUnreadable, "cannot read the database: \(error)", cause: error)
        }
    }

    /// The columns of a table; empty where there is none.
    package func columns(of table: String) throws -> Set<String> {
        try queue.read { database in
            try database.tableExists(table) ? Set(database.columns(in: table).map(\.name)) : []
        }
    }
}
