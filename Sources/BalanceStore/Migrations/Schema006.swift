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

    static let tableNames: Set<String> = ["retired_model"]

    private static let statements = [
        "ALTER TABLE registered_model ADD COLUMN folded_name TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX registered_model_folded_name ON registered_model (folded_name)",
        // The numbers that a name gave, so that a model of the same name never gives them again.
        """
        CREATE TABLE retired_model (
            name TEXT PRIMARY KEY,
            last_version INTEGER NOT NULL,
            generation INTEGER NOT NULL
        ) STRICT
        """,
        // An approval from before is bound to less than all inputs, so it does not hold any more.
        "ALTER TABLE approval ADD COLUMN inputs_hash TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX model_version_quarantine ON model_version (name, digest) WHERE quarantined_at_ms IS NOT NULL",
        "CREATE INDEX slot_history_version ON slot_history (name, version, generation)",
    ]
}
