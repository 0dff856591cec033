import BalanceCore

/// What must not be forgotten with a model: its numbers; what an approval rests on; the forms of names.
enum Schema006 {
    static func create(_ connection: any SQLConnection) throws {
        for statement in statements { try connection.execute(statement) }
        for row in try connection.rows("SELECT name FROM registered_model") {
            let name = row.text(0) ?? ""
            try connection.execute(
                "UPDATE registered_model SET folded_name = ? WHERE name = ?",
                [.text(ModelName.folded(name)), .text(name)]
            )
        }
    }

    static let tableNames: Set<String> = ["retired_model", "retired_attempt"]

    private static let statements = [
        // The tag with a run's name was made up where it was missing, so that it could not be deleted.
        """
        INSERT INTO tag (run_seq, key, value)
            SELECT r.seq, 'mlflow.runName', r.name FROM run r WHERE r.name IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.run_seq = r.seq AND t.key = 'mlflow.runName')
        """,
        "ALTER TABLE registered_model ADD COLUMN folded_name TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX registered_model_folded_name ON registered_model (folded_name)",
        // What a name leaves behind: the numbers that it gave are never given again, and its policy still guards it.
        """
        CREATE TABLE retired_model (
            name TEXT PRIMARY KEY,
            last_version INTEGER NOT NULL,
            generation INTEGER NOT NULL,
            policy TEXT,
            policy_hash TEXT,
            baseline_json TEXT
        ) STRICT
        """,
        """
        CREATE TABLE retired_attempt (
            name TEXT NOT NULL,
            dataset TEXT NOT NULL,
            digest TEXT NOT NULL,
            at_ms INTEGER NOT NULL,
            PRIMARY KEY (name, dataset, digest)
        ) STRICT
        """,
        // What was known of the version that served last, where it was deleted.
        "ALTER TABLE slot ADD COLUMN baseline_json TEXT",
        // An approval from before is bound to less than all inputs, so it does not hold any more.
        "ALTER TABLE approval ADD COLUMN inputs_hash TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX model_version_quarantine ON model_version (name, digest) WHERE quarantined_at_ms IS NOT NULL",
        "CREATE INDEX slot_history_version ON slot_history (name, version, generation)",
    ]
}
