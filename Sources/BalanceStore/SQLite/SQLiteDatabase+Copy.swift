import BalanceCore
import GRDB

extension SQLiteDatabase {
    /// Writes a copy of one moment, while others go on reading and writing, and checks it page by page.
    ///
    /// - Throws: `Failure` with code `databaseUnreadable` where the copy is damaged.
    package func copy(to path: String) throws -> DatabaseContents {
        do {
            let copy = try DatabaseQueue(path: path)
            try backup(to: copy)
            let problems = try copy.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
            guard problems == ["ok"] else {
                throw Failure(
                    .databaseUnreadable,
                    "the copy of \(self.path) is damaged: \(problems.first ?? "")",
                    hint: "check the disk; balanceops export writes what can still be read"
                )
            }
            let contents = try copy.read { try DatabaseContents($0) }
            // The copy is one file: nothing stays in a log beside it.
            try copy.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
            try copy.close()
            return contents
        } catch {
            throw Failure.database(error, path: path)
        }
    }

    /// The number of the newest schema.
    package static var schema: Int { Migrations.all.count }

    /// The version of the SQLite library that is linked.
    package static var library: String {
        (try? DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") }) ?? ""
    }

    /// What is wrong with the file, looked at page by page; nil where all is well.
    package func damage() async throws -> String? {
        let found = try await read { try $0.rows("PRAGMA quick_check").map { $0.text(0) ?? "" } }
        return found == ["ok"] ? nil : found.first
    }

    /// Ends all sign-ins of browsers.
    package func endSessions() async throws {
        try await write { _ = try $0.rows("DELETE FROM access_session") }
    }
}

/// What a database counts on outside itself.
package struct DatabaseContents: Sendable {
    /// The stored artifacts: SHA-256 and size in bytes.
    package var blobs: [(digest: String, size: Int)] = []
    /// The current versions of models with the SHA-256 of their files.
    package var served: [(model: String, version: Int, digest: String?)] = []
    /// The number of the schema.
    package var schema = 0

    init(_ database: Database) throws {
        schema = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let blobs = "SELECT DISTINCT digest, size FROM artifact WHERE digest IS NOT NULL ORDER BY digest"
        self.blobs = try Row.fetchAll(database, sql: blobs).map { ($0[0], $0[1] ?? 0) }
        let served = """
            SELECT a.name, a.version, v.digest FROM model_alias a
            JOIN model_version v ON v.name = a.name AND v.version = a.version
            WHERE a.alias = ? ORDER BY a.name
            """
        self.served = try Row.fetchAll(database, sql: served, arguments: [currentAlias]).map { ($0[0], $0[1], $0[2]) }
    }
}
