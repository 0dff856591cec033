import BalanceCore
import BalanceTestSupport
import Foundation
import GRDB
import Testing

@testable import BalanceStore

struct EarlierSchemaTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A database as the version of that schema left it, with a run, its metrics and a version that serves.
    private func make(schema: Int, at path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { database in
            let connection = SQLiteConnection(database: database)
            for step in Migrations.all.prefix(schema) { try step(connection) }
            try database.execute(sql: "PRAGMA application_id = \(SQLiteMigration.applicationID)")
            try database.execute(sql: "PRAGMA user_version = \(schema)")
            try database.execute(
                sql: """
                    INSERT INTO run (run_id, kind, status, created_at, start_time_ms, params_json)
                    VALUES ('4f1c2d00000000000000000000000001', 'demo', 'FINISHED', '2026-01-02T03:04:05+00:00', 1767323045000, '{}')
                    """
            )
            try metrics(schema, database)
            try database.execute(
                sql: """
                    INSERT INTO registered_model (name, created_at_ms, updated_at_ms) VALUES ('credit', 1, 1);
                    INSERT INTO model_version (name, version, run_id, path, digest, created_at, created_at_ms)
                    VALUES ('credit', 1, '4f1c2d00000000000000000000000001', 'm.json', 'd1', '2026-01-02T03:04:05+00:00', 1);
                    INSERT INTO model_alias (name, alias, version, moved_at_ms) VALUES ('credit', 'current', 1, 1);
                    """
            )
            if schema >= 4 {
                try database.execute(
                    sql: """
                        INSERT INTO slot (name, generation, moved_at_ms) VALUES ('credit', 1, 1);
                        INSERT INTO slot_history (name, generation, version, kind, at_ms, actor)
                        VALUES ('credit', 1, 1, 'promote', 1, 'kim');
                        """
                )
            }
        }
        try queue.close()
    }

    private func metrics(_ schema: Int, _ database: Database) throws {
        if schema < 5 {
            for table in ["metric", "latest_metric"] {
                let id = "'4f1c2d00000000000000000000000001', 'acc'"
                try database.execute(
                    sql: table == "metric"
                        ? "INSERT INTO metric (run_id, key, value, timestamp_ms, step) VALUES (\(id), 0.75, 1, 0)"
                        : "INSERT INTO latest_metric (run_id, key, value, timestamp_ms, step) VALUES (\(id), 0.75, 1, 0)"
                )
            }
            return
        }
        try database.execute(
            sql: """
                INSERT INTO metric_key (key_id, key) VALUES (1, 'acc');
                INSERT INTO metric (run_seq, key_id, value, is_nan, timestamp_ms, step) SELECT seq, 1, 0.75, 0, 1, 0 FROM run;
                INSERT INTO latest_metric (run_seq, key_id, value, is_nan, timestamp_ms, step) SELECT seq, 1, 0.75, 0, 1, 0 FROM run;
                """
        )
    }

    @Test(arguments: 1..<Migrations.all.count)
    func `a database of every earlier schema comes to the newest with all it held`(schema: Int) async throws {
        let path = folder("schema\(schema).db")
        try make(schema: schema, at: path)
        let database = try SQLiteDatabase(path: path)
        let runs = try await SQLTrackingStore(database: database).runs(RunSearch(), offset: 0).items
        #expect(runs.map(\.metrics) == [[Metric("acc", 0.75)]])
        let registry = SQLRegistryStore(database: database, key: nil)
        let slot = try await registry.slot(of: "credit")
        #expect(slot.version == 1)
        #expect(slot.generation == 1)
        #expect(try await database.damage() == nil)
        try database.close()
        #expect(folder.names().contains { $0.hasPrefix("schema\(schema).db.backup-schema\(schema)") }, "no backup")
        #expect(try SQLiteMigration.state(of: path) == .ours(schema: Migrations.all.count))
    }
}
