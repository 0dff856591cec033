import BalanceCore
import BalanceTestSupport
import GRDB
import Testing

@testable import BalanceStore

/// Schema 4 names runs and keys of points in text; what it holds is read and found the same after the step to numbers.
struct MetricMigrationTests {
    private let folder: TemporaryFolder
    private let ids = (1...3).map { RunID(stored: String(repeating: "\($0)", count: 32)) }

    init() throws { folder = try TemporaryFolder() }

    /// A database of schema 4 with points out of order, a NaN, keys that differ in case, and a deleted run.
    private func makeOld(at path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { database in
            let connection: any SQLConnection = SQLiteConnection(database: database)
            for step in Migrations.all[..<4] { try step(connection) }
            for (index, id) in ids.enumerated() {
                try connection.execute(
                    "INSERT INTO run (seq, run_id, name, status, created_at, start_time_ms, lifecycle_stage) "
                        + "VALUES (?, ?, 'r', 'FINISHED', '', ?, ?)",
                    [
                        .integer(30 - index * 7), .text(id.stored), .integer(index),
                        .text(index == 2 ? "deleted" : "active"),
                    ]
                )
                for (key, values) in [("loss", [3.0, 1.0, 2.0]), ("Loss", [0.5]), ("", [-7])] {
                    for (step, value) in values.enumerated() {
                        let row: [SQLValue] = [
                            .text(id.stored), .text(key), .real(value), .integer(step), .integer(10 - step),
                        ]
                        let columns = "(run_id, key, value, is_nan, step, timestamp_ms) VALUES (?, ?, ?, 0, ?, ?)"
                        try connection.execute("INSERT INTO metric \(columns)", row)
                        try connection.execute("INSERT OR REPLACE INTO latest_metric \(columns)", row)
                    }
                }
                for table in ["param", "tag"] {
                    for key in ["b", "a", "ä"] {
                        try connection.execute(
                            "INSERT INTO \(table) (run_id, key, value) VALUES (?, ?, ?)",
                            [.text(id.stored), .text(key), .text("\(table) \(key) \(index)")]
                        )
                    }
                }
                try connection.execute("UPDATE metric SET is_nan = 1, value = 0 WHERE key = 'Loss'")
                try connection.execute("UPDATE latest_metric SET is_nan = 1, value = 0 WHERE key = 'Loss'")
            }
            try database.execute(sql: "PRAGMA application_id = \(SQLiteMigration.applicationID)")
            try database.execute(sql: "PRAGMA user_version = 4")
        }
        try queue.close()
    }

    @Test func `the points, params and tags of schema 4 are all there under numbers`() async throws {
        let path = folder("old.db")
        try makeOld(at: path)
        let database = try SQLiteDatabase(path: path)
        let store = SQLTrackingStore(database: database)
        for id in ids {
            let history = try await store.history(of: "loss", run: id, limit: 10, after: nil).items
            #expect(history.map(\.value) == [2, 1, 3] && history.map(\.step) == [2, 1, 0])
            let run = try await store.trackedRun(id)
            #expect(run.metrics.map(\.key) == ["", "Loss", "loss"])
            let index = try #require(ids.firstIndex(of: id))
            #expect(run.params.map(\.key) == ["a", "b", "ä"] && run.params.map(\.value)[1] == "param b \(index)")
            #expect(run.tags.map(\.value) == ["tag a \(index)", "tag b \(index)", "r", "tag ä \(index)"])
            #expect(run.metrics[0].value == -7 && run.metrics[1].value.isNaN && run.metrics[2].value == 2)
        }
        let filter = try SearchFilter.parse("metrics.loss > 1.5", dialect: .extended)
        let query = SearchQuery(filter: filter, limit: 10)
        #expect(try await store.search(RunSearch(experimentIDs: [0], query: query)).items.count == 2)
        let text = try await database.read { try $0.rows("SELECT COUNT(*) FROM metric").first?.integer(0) }
        #expect(text == 15)
        #expect(folder.names().contains { $0.hasPrefix("old.db.backup-schema4-") })
    }

    @Test func `what a run has goes with it when it is purged`() async throws {
        let path = folder("old.db")
        try makeOld(at: path)
        let database = try SQLiteDatabase(path: path)
        let id = ids[0].stored
        try await database.write { _ = try $0.execute("DELETE FROM run WHERE run_id = ?", [.text(id)]) }
        let counts = try await database.read { connection in
            try ["metric", "latest_metric", "param", "tag"].map {
                try connection.rows("SELECT COUNT(*) FROM \($0)").first?.integer(0)
            }
        }
        #expect(counts == [10, 6, 6, 8])
    }
}
