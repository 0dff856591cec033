import GRDB

/// A database as the original Python template leaves it.
package enum OriginalDatabase {
    package static let runIDs = [
        "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222", "an old id of no form",
    ]

    /// Makes the four tables with three runs, a current model, and one metric whose run does not exist.
    package static func make(at path: String, modelPath: String = "artifacts/models/current.joblib") throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { database in
            try database.execute(
                sql: """
                    CREATE TABLE runs (run_id TEXT PRIMARY KEY, created_at TEXT NOT NULL, git_commit TEXT,
                        git_branch TEXT, git_dirty INTEGER, params_json TEXT, note TEXT);
                    CREATE TABLE metrics (run_id TEXT, key TEXT, value REAL, PRIMARY KEY (run_id, key));
                    CREATE TABLE artifacts (run_id TEXT, kind TEXT, path TEXT);
                    CREATE TABLE models (name TEXT, stage TEXT, run_id TEXT, path TEXT, created_at TEXT,
                        metrics_json TEXT, PRIMARY KEY (name, stage));
                    """
            )
            let times = ["2026-02-16T19:46:48+00:00", "2026-02-17T08:00:00.250000+00:00", "2026-02-15T00:00:00+00:00"]
            for (id, time) in zip(runIDs, times) {
                try database.execute(
                    sql: "INSERT INTO runs VALUES (?, ?, 'abc', 'main', 1, ?, ?)",
                    arguments: [
                        id, time, #"{"kind": "train_dummy", "seed": 42, "nested": {"a": [1, 2.50]}}"#, "메모 <b>",
                    ]
                )
                try database.execute(sql: "INSERT INTO metrics VALUES (?, 'bal_acc', 0.75)", arguments: [id])
                try database.execute(
                    sql: "INSERT INTO artifacts VALUES (?, 'model_candidate', 'x.joblib')",
                    arguments: [id]
                )
            }
            try database.execute(sql: "INSERT INTO metrics VALUES ('nobody', 'acc', 0.5)")
            try database.execute(
                sql: "INSERT INTO models VALUES ('balance_model', 'current', ?, ?, ?, ?)",
                arguments: [runIDs[0], modelPath, times[0], #"{"bal_acc": 0.75, "recall_1": 0.7}"#]
            )
            try database.execute(
                sql: "INSERT INTO models VALUES ('balance_model', 'archived', ?, 'old.joblib', ?, '{}')",
                arguments: [runIDs[1], times[1]]
            )
        }
        try queue.close()
    }

    /// Runs SQL on a database from outside.
    package static func execute(_ sql: String, at path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
    }

    /// Reads one text from a database from outside.
    package static func text(_ sql: String, at path: String) throws -> String? {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { try String.fetchOne($0, sql: sql) }
    }
}
