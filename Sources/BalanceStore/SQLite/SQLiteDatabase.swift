package import BalanceCore
import GRDB

/// An SQLite file in WAL mode with one writer.
///
/// Acknowledged writes survive a loss of power (`synchronous=FULL`). Checkpoints run on the writer only, because of the
/// WAL-reset defect of SQLite before 3.51.3 (sqlite.org/wal.html#walresetbug): readers never commit, so never checkpoint.
package final class SQLiteDatabase: SQLDatabase {
    package let path: String
    private let pool: DatabasePool
    private let files: DatabaseFiles
    private let group: GroupCommit
    private let reads: GroupRead

    /// Opens the database, creates it where it is missing, and brings it to the newest schema.
    ///
    /// - Throws: `Failure` with code `schemaTooNew` or `databaseNotOurs`, the file untouched; `databaseUnreadable`.
    package init(path: String) throws {
        self.path = path
        guard !path.hasPrefix(":"), !path.hasPrefix("file:") else {
            throw Failure(.invalidArgument, "'\(path)' is not a file", hint: "choose a file with --db or BALANCEOPS_DB")
        }
        do {
            try FileSystem.createDirectory(FileSystem.parent(of: path))
            try Self.requireNoLostTrail(path)
            try SQLiteMigration.run(at: path)
            pool = try DatabasePool(path: path, configuration: Self.configuration())
            // GRDB lowers this to NORMAL when it turns on WAL.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            files = try DatabaseFiles(path: path)
            group = GroupCommit(pool: pool, files: files)
            reads = GroupRead(pool: pool)
        } catch {
            let failure = Failure.database(error, path: path)
            guard failure.code == .internalError, let reason = error as? DatabaseError else { throw failure }
            throw Failure(
                .databaseUnreadable,
                "cannot open \(path): \(reason.message ?? "it is damaged")",
                hint: "restore a backup, or choose another file with --db",
                cause: error
            )
        }
    }

    /// Refuses to begin anew where a trail is remembered whose database is gone.
    private static func requireNoLostTrail(_ path: String) throws {
        guard FileSystem.size(of: path) ?? 0 == 0, let head = AuditKey.head(besideKey: path + ".audit-key"),
            head.sequence > 0
        else { return }
        throw Failure(
            .databaseUnreadable,
            "\(path) is \(FileSystem.size(of: path) == nil ? "missing" : "empty"), but \(path).audit-key.head records "
                + "\(head.sequence) audit trail entries: the database was lost",
            hint: "restore a backup; to start with a new database, remove \(path).audit-key.head first"
        )
    }

    func backup(to copy: DatabaseQueue) throws { try pool.backup(to: copy) }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.read { try body(SQLiteConnection(database: $0)) }
        } catch {
            throw Failure.database(error, path: path)
        }
    }

    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        do {
            let files = self.files
            return try await pool.writeWithoutTransaction { database in
                try files.writing {
                    var value: Value?
                    try database.inTransaction(.immediate) {
                        value = try body(SQLiteConnection(database: database))
                        return .commit
                    }
                    guard let value else { throw CancellationError() }
                    return value
                }
            }
        } catch {
            throw Failure.database(error, path: path)
        }
    }

    package func writeTogether<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        then: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        let path = self.path
        group.write(body) { result in then(result.mapError { Failure.database($0, path: path) }) }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
        then: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        let path = self.path
        reads.read(body) { result in then(result.mapError { Failure.database($0, path: path) }) }
    }

    /// Why nothing is written any more; nil where all is well.
    package var loss: Failure? { files.loss }

    /// The settings that hold on the writer, by name: what operations look at.
    package func settings() async throws -> [(String, String)] {
        let names = ["journal_mode", "synchronous", "foreign_keys", "trusted_schema", "user_version", "mmap_size"]
        return try await write { connection in
            try names.map { ($0, try connection.rows("PRAGMA \($0)").first?.text(0) ?? "") }
        }
    }

    /// The version of the SQLite library that is linked.
    package func libraryVersion() async throws -> String {
        try await read { try $0.rows("SELECT sqlite_version()").first?.text(0) ?? "" }
    }

    /// Copies the log into the database file and closes all connections.
    package func close() throws {
        try? pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try pool.close()
    }

    static func configuration(readonly: Bool = false) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = readonly
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = true
        // Long searches must not keep everybody else waiting.
        configuration.maximumReaderCount = 16
        configuration.prepareDatabase { database in
            for pragma in [
                "trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0", "temp_store = MEMORY",
                "journal_size_limit = 67108864", "wal_autocheckpoint = 4000",
            ] {
                try database.execute(sql: "PRAGMA \(pragma)")
            }
        }
        return configuration
    }
}
