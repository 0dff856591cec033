import BalanceCore
import BalanceStore
import BalanceTestSupport
import Foundation
import Testing

struct MigrationTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func `a new database has the settings that reliability needs`() async throws {
        let database = try SQLiteDatabase(path: folder("data/new.db"))
        let settings = Dictionary(try await database.settings()) { first, _ in first }
        #expect(settings["journal_mode"] == "wal")
        #expect(settings["synchronous"] == "2")
        #expect(settings["foreign_keys"] == "1")
        #expect(settings["trusted_schema"] == "0")
        #expect(settings["mmap_size"] == "0")
        #expect(settings["user_version"] == "9")
    }

    @Test func `an original database is backed up and brought over with all its rows`() async throws {
        let path = folder("original.db")
        try OriginalDatabase.make(at: path)
        let database = try SQLiteDatabase(path: path)
        let store = SQLTrackingStore(database: database)
        let runs = try await store.runs(RunSearch(), offset: 0).items
        #expect(
            runs.map(\.id.native) == [
                OriginalDatabase.runIDs[1], OriginalDatabase.runIDs[0], OriginalDatabase.runIDs[2],
            ]
        )
        #expect(runs[0].createdAt == "2026-02-17T08:00:00.250000+00:00")
        #expect(runs.allSatisfy { $0.metrics == [Metric("bal_acc", 0.75)] && $0.note == "메모 <b>" })
        #expect(runs.allSatisfy { $0.git == GitInfo(commit: "abc", branch: "main", dirty: true) })
        let detail = try #require(try await store.run(RunID(native: OriginalDatabase.runIDs[0])))
        #expect(detail.params?.text() == #"{"kind":"train_dummy","seed":42,"nested":{"a":[1,2.5]}}"#)
        #expect(detail.artifacts == [ArtifactRecord(kind: "model_candidate", path: "x.joblib")])
        let model = try #require(
            try await SQLRegistryStore(database: database, key: nil).currentModel(named: defaultModelName)
        )
        #expect(model.metricsJSON == #"{"bal_acc": 0.75, "recall_1": 0.7}"#)
        #expect(model.version == 2, "the archived version is the older one")
        try database.close()
        let backups = folder.names().filter { $0.hasPrefix("original.db.backup-original-") }
        let backup = folder(try #require(backups.first))
        #expect(try OriginalDatabase.text("SELECT count(*) FROM runs", at: backup) == "3")
    }

    @Test func `a row without a run stays in a table of its own`() async throws {
        let path = folder("original.db")
        try OriginalDatabase.make(at: path)
        try SQLiteDatabase(path: path).close()
        #expect(try OriginalDatabase.text("SELECT run_id || key FROM original_metrics", at: path) == "nobodyacc")
        let tables = "SELECT group_concat(name) FROM sqlite_master WHERE name LIKE 'original_%' AND type = 'table'"
        #expect(try OriginalDatabase.text(tables, at: path) == "original_metrics")
    }

    @Test func `odd rows of an original keep what they say`() async throws {
        let path = folder("odd.db")
        try OriginalDatabase.make(at: path)
        try OriginalDatabase.execute(
            """
            INSERT INTO metrics VALUES ('\(OriginalDatabase.runIDs[0])', 'nan', NULL);
            INSERT INTO artifacts VALUES ('\(OriginalDatabase.runIDs[0])', 'model_candidate', 'x.joblib');
            INSERT INTO runs VALUES ('11111111111141118111111111111111', '2026-01-01', NULL, NULL, 'True', 'no json', NULL);
            INSERT INTO runs VALUES ('text-dirty', '2026-01-01', NULL, NULL, 'True', '[1]', NULL);
            ALTER TABLE models ADD COLUMN more TEXT DEFAULT 'kept';
            """,
            at: path
        )
        let store = SQLTrackingStore(database: try SQLiteDatabase(path: path))
        let run = try #require(try await store.run(RunID(native: OriginalDatabase.runIDs[0])))
        #expect(run.summary.metrics.value(of: "nan")?.isNaN == true)
        #expect(run.summary.metrics.value(of: "bal_acc") == 0.75)
        #expect(run.artifacts.count == 2, "a row that stood twice still does")
        #expect(run.summary.createdAt == "2026-02-16T19:46:48+00:00")
        let dirty = try #require(try await store.run(RunID(native: "text-dirty")))
        #expect(dirty.summary.git.dirty == true)
        #expect(dirty.params == nil)
        let left = try OriginalDatabase.text("SELECT run_id FROM original_runs", at: path)
        #expect(left == "11111111111141118111111111111111", "the same id in another spelling")
        #expect(try OriginalDatabase.text("SELECT count(*) || max(more) FROM original_models", at: path) == "2kept")
    }

    @Test func `a failed migration changes nothing and leaves no copy`() throws {
        let path = folder("clash.db")
        try OriginalDatabase.make(at: path)
        try OriginalDatabase.execute("CREATE TABLE param (x)", at: path)
        let before = try folder.bytes("clash.db")
        for _ in 0..<2 {
            let failure = #expect(throws: Failure.self) { try SQLiteDatabase(path: path) }
            #expect(failure?.message.contains("param") == true)
        }
        #expect(try folder.bytes("clash.db") == before)
        #expect(folder.names().filter { $0.contains("backup") }.isEmpty)
    }

    @Test func `a schema below zero is refused`() throws {
        let path = folder("negative.db")
        try SQLiteDatabase(path: path).close()
        try OriginalDatabase.execute("PRAGMA user_version = -1", at: path)
        let failure = #expect(throws: Failure.self) { try SQLiteDatabase(path: path) }
        #expect(failure?.code == .databaseUnreadable)
    }

    @Test func `a database that was brought over is not migrated again`() throws {
        let path = folder("original.db")
        try OriginalDatabase.make(at: path)
        for _ in 0..<3 { try SQLiteDatabase(path: path).close() }
        #expect(folder.names().filter { $0.contains("backup") }.count == 1)
    }

    @Test func `a newer schema is refused and the file stays as it is`() throws {
        let path = folder("newer.db")
        try SQLiteDatabase(path: path).close()
        try OriginalDatabase.execute("PRAGMA user_version = 99", at: path)
        let before = try folder.bytes("newer.db")
        let failure = #expect(throws: Failure.self) { try SQLiteDatabase(path: path) }
        #expect(failure?.code == .schemaTooNew)
        #expect(failure?.code.row.exit == 78)
        #expect(try folder.bytes("newer.db") == before)
    }

    @Test func `the database of another program is refused and stays as it is`() throws {
        let path = folder("other.db")
        try OriginalDatabase.execute("CREATE TABLE songs (title TEXT)", at: path)
        let before = try folder.bytes("other.db")
        let failure = #expect(throws: Failure.self) { try SQLiteDatabase(path: path) }
        #expect(failure?.code == .databaseNotOurs)
        #expect(try folder.bytes("other.db") == before)
    }

    @Test(arguments: ["this is no database, but it is long enough to be read as a header of one hundred bytes or more "]
    )
    func `a file that is no database is refused and stays as it is`(text: String) throws {
        let path = try folder.write(String(repeating: text, count: 40), to: "text.db")
        let failure = #expect(throws: Failure.self) { try SQLiteDatabase(path: path) }
        #expect(failure?.code == .databaseUnreadable)
        #expect(try folder.bytes("text.db").count == text.utf8.count * 40)
    }

    @Test func `many processes' worth of openings at once migrate one time`() async throws {
        let path = folder("original.db")
        try OriginalDatabase.make(at: path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { _ = try SQLiteDatabase(path: path) } }
            try await group.waitForAll()
        }
        #expect(folder.names().filter { $0.contains("backup") }.count == 1)
    }
}
