/// Points, params and tags by number: of a run by its row, of a metric's key by its place in a table of all keys.
///
/// A point that names its run and key in text, in a table and again in an index, takes four times the space and time; an
/// index by random texts has each new run change another of its pages.
enum Schema005 {
    static func create(_ connection: any SQLConnection) throws {
        for statement in statements { try connection.execute(statement) }
    }

    static let tableNames: Set<String> = ["metric_key"]

    private static func pairs(_ table: String) -> String {
        """
        CREATE TABLE \(table) (
            run_seq INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (run_seq, key)
        ) STRICT, WITHOUT ROWID
        """
    }

    private static let statements = [
        "CREATE TABLE metric_key (key_id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE) STRICT",
        // In the order of the old index, so that points are read and written along both trees and never sorted.
        // The few keys are gathered first: sorting those of all points would take their memory.
        """
        WITH found AS MATERIALIZED (SELECT key FROM metric UNION SELECT key FROM latest_metric)
        INSERT INTO metric_key (key) SELECT key FROM found ORDER BY key
        """,
        "ALTER TABLE metric RENAME TO metric_by_text",
        "ALTER TABLE latest_metric RENAME TO latest_metric_by_text",
        // The history is a set: the same point that is sent twice is one point.
        """
        CREATE TABLE metric (
            run_seq INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
            key_id INTEGER NOT NULL,
            timestamp_ms INTEGER NOT NULL,
            step INTEGER NOT NULL,
            value REAL NOT NULL,
            is_nan INTEGER NOT NULL,
            PRIMARY KEY (run_seq, key_id, timestamp_ms, step, value, is_nan)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE latest_metric (
            run_seq INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
            key_id INTEGER NOT NULL,
            value REAL NOT NULL,
            is_nan INTEGER NOT NULL,
            step INTEGER NOT NULL,
            timestamp_ms INTEGER NOT NULL,
            PRIMARY KEY (run_seq, key_id)
        ) STRICT, WITHOUT ROWID
        """,
        // A key without its place in the table would be NULL here, and stop the migration.
        """
        INSERT INTO metric (run_seq, key_id, timestamp_ms, step, value, is_nan)
            SELECT r.seq, (SELECT k.key_id FROM metric_key k WHERE k.key = m.key), m.timestamp_ms, m.step, m.value, m.is_nan
            FROM run r CROSS JOIN metric_by_text m INDEXED BY metric_point ON m.run_id = r.run_id
        """,
        """
        INSERT INTO latest_metric (run_seq, key_id, value, is_nan, step, timestamp_ms)
            SELECT r.seq, (SELECT k.key_id FROM metric_key k WHERE k.key = m.key), m.value, m.is_nan, m.step, m.timestamp_ms
            FROM run r CROSS JOIN latest_metric_by_text m ON m.run_id = r.run_id
        """,
        "ALTER TABLE param RENAME TO param_by_text",
        "ALTER TABLE tag RENAME TO tag_by_text",
        pairs("param"),
        pairs("tag"),
        "INSERT INTO param SELECT r.seq, p.key, p.value FROM run r CROSS JOIN param_by_text p ON p.run_id = r.run_id",
        "INSERT INTO tag SELECT r.seq, t.key, t.value FROM run r CROSS JOIN tag_by_text t ON t.run_id = r.run_id",
        "DROP TABLE param_by_text",
        "DROP TABLE tag_by_text",
        // Children of a run are looked for by the tag that names their parent.
        "CREATE INDEX tag_parent ON tag (value) WHERE key = 'mlflow.parentRunId'",
        // The index of an experiment's newest runs begins with the same column; runs of clients have no kind.
        "DROP INDEX run_experiment",
        "DROP INDEX run_kind",
        "CREATE INDEX run_kind ON run (kind) WHERE kind IS NOT NULL",
        "DROP TABLE metric_by_text",
        "DROP TABLE latest_metric_by_text",
        "CREATE INDEX latest_metric_value ON latest_metric (key_id, is_nan, value)",
    ]
}
