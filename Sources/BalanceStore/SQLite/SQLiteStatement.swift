import BalanceCore
import GRDB
import GRDBSQLite

/// A prepared statement that is bound, stepped and read through SQLite's C interface (sqlite.org/c3ref/stmt.html).
struct SQLiteStatement {
    /// Holds the statement while it is in use.
    let statement: Statement
    let database: Database

    private var handle: OpaquePointer { statement.sqliteStatement }

    /// Has SQLite copy what is bound, as its text lives no longer than the call.
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    /// Runs it to its end.
    func run(_ arguments: [SQLValue]) throws {
        // After an error that ended the transaction, each further statement would be one of its own.
        guard sqlite3_get_autocommit(database.sqliteConnection) == 0 else {
            throw Failure(.internalError, "write outside of a transaction")
        }
        defer { reset() }
        try bind(arguments)
        while try step() {}
    }

    /// Runs it to its end and keeps all rows.
    func rows(_ arguments: [SQLValue]) throws -> [SQLRow] {
        defer { reset() }
        try bind(arguments)
        let count = sqlite3_column_count(handle)
        var rows: [SQLRow] = []
        while try step() { rows.append(SQLRow(values: (0..<count).map(value))) }
        return rows
    }

    private func bind(_ arguments: [SQLValue]) throws {
        guard arguments.count == Int(sqlite3_bind_parameter_count(handle)) else {
            throw Failure(.internalError, "wrong number of statement arguments: \(arguments.count)")
        }
        for (index, value) in arguments.enumerated() { try check(bind(value, at: CInt(index + 1))) }
    }

    private func bind(_ value: SQLValue, at place: CInt) -> CInt {
        switch value {
        case .null: return sqlite3_bind_null(handle, place)
        case .integer(let number): return sqlite3_bind_int64(handle, place, Int64(number))
        case .real(let number): return sqlite3_bind_double(handle, place, number)
        case .text(var text):
            return text.withUTF8 { bytes in
                // An empty buffer may have no address, which SQLite would take for NULL.
                guard let address = bytes.baseAddress else {
                    return sqlite3_bind_text(handle, place, "", 0, Self.transient)
                }
                return address.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                    sqlite3_bind_text(handle, place, $0, CInt(clamping: bytes.count), Self.transient)
                }
            }
        case .blob(let bytes):
            return bytes.withUnsafeBytes { bytes in
                guard let address = bytes.baseAddress, !bytes.isEmpty else {
                    return sqlite3_bind_zeroblob(handle, place, 0)
                }
                return sqlite3_bind_blob(handle, place, address, CInt(clamping: bytes.count), Self.transient)
            }
        }
    }

    private func value(_ column: CInt) -> SQLValue {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: return .integer(Int(sqlite3_column_int64(handle, column)))
        case SQLITE_FLOAT: return .real(sqlite3_column_double(handle, column))
        case SQLITE_TEXT:
            guard let text = sqlite3_column_text(handle, column) else { return .text("") }
            let count = Int(sqlite3_column_bytes(handle, column))
            return .text(String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self))
        case SQLITE_BLOB:
            guard let bytes = sqlite3_column_blob(handle, column) else { return .blob([]) }
            let count = Int(sqlite3_column_bytes(handle, column))
            return .blob(Array(UnsafeRawBufferPointer(start: bytes, count: count)))
        default: return .null
        }
    }

    /// Whether there is another row.
    private func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw error(code)
        }
    }

    private func check(_ code: CInt) throws {
        guard code == SQLITE_OK else { throw error(code) }
    }

    private func error(_ code: CInt) -> any Error {
        // GRDB interrupts the statements of a task that was cancelled.
        if code & 0xFF == SQLITE_INTERRUPT { return CancellationError() }
        let message = sqlite3_errmsg(database.sqliteConnection).map { String(cString: $0) }
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: statement.sql)
    }

    private func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }
}
