/// A value that is bound to a placeholder or read from a column.
package enum SQLValue: Sendable, Hashable {
    case null
    case integer(Int)
    case real(Double)
    case text(String)
    case blob([UInt8])

    /// A text, or NULL for nil.
    package static func optional(_ text: String?) -> SQLValue { text.map(SQLValue.text) ?? .null }

    /// An integer, or NULL for nil.
    package static func optional(_ number: Int?) -> SQLValue { number.map(SQLValue.integer) ?? .null }
}

/// A row of a result, with its values in the order of the selected columns.
package struct SQLRow: Sendable {
    package var values: [SQLValue]

    package init(values: [SQLValue]) { self.values = values }

    /// The text of a column; a number as its text; nil for NULL.
    package func text(_ index: Int) -> String? {
        switch values[index] {
        case .null: nil
        case .integer(let number): String(number)
        case .real(let number): number.description
        case .text(let text): text
        case .blob(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }

    /// The integer of a column, or nil for NULL and for what is not one.
    package func integer(_ index: Int) -> Int? {
        switch values[index] {
        case .integer(let number): number
        case .real(let number): Int(exactly: number)
        default: nil
        }
    }

    /// The number of a column, or nil for NULL and for what is not one.
    package func real(_ index: Int) -> Double? {
        switch values[index] {
        case .integer(let number): Double(number)
        case .real(let number): number
        default: nil
        }
    }
}

/// One connection inside one transaction.
///
/// SQL is written once for SQLite and PostgreSQL: `?` placeholders, `ON CONFLICT`, `RETURNING`, no `rowid`.
package protocol SQLConnection {
    /// Runs one statement.
    ///
    /// - Returns: How many rows it changed.
    @discardableResult
    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int
    /// Runs one statement with each of several lists of arguments.
    func execute(_ sql: String, each arguments: [[SQLValue]]) throws
    /// Runs one query and reads all its rows.
    func rows(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow]
    /// The same for a text that is not worth keeping prepared, as each search has its own.
    func freshRows(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow]
}

extension SQLConnection {
    /// Runs one statement without arguments.
    @discardableResult
    package func execute(_ sql: String) throws -> Int { try execute(sql, []) }

    /// Runs one query without arguments.
    package func rows(_ sql: String) throws -> [SQLRow] { try rows(sql, []) }
}

/// A database that hands out connections.
package protocol SQLDatabase: Sendable {
    /// Reads from one consistent state.
    func read<Value: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> Value) async throws -> Value
    /// Writes in one transaction that holds the write lock from its beginning; an error rolls it back.
    func write<Value: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> Value) async throws -> Value
    /// Writes in one transaction with others that wait at the same time, and says what came of it after the commit.
    ///
    /// For short writes that touch nothing but the database: where another of the group fails, `body` is run again.
    /// `then` is called on the writer's thread and must not keep it.
    func writeTogether<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        then: @escaping @Sendable (Result<Value, any Error>) -> Void
    )
    /// Reads from one consistent state that has all that was committed before, and says what came of it on a thread of the
    /// database's. For short reads: others wait behind it.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        then: @escaping @Sendable (Result<Value, any Error>) -> Void
    )
}

extension SQLDatabase {
    /// Writes together with others, and returns after the commit.
    package func writeTogether<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            writeTogether(body) { continuation.resume(with: $0) }
        }
    }
}
