/// Logged models, the registry's texts, tags and policies, and artifacts by their content.
enum Schema002 {
    static func create(_ connection: any SQLConnection) throws {
        for statement in registry + loggedModels + artifacts { try connection.execute(statement) }
    }

    static let tableNames: Set<String> = [
        "registered_model_tag", "model_version_tag", "logged_model", "logged_model_tag", "logged_model_param",
        "logged_model_metric", "run_model_input", "run_model_output", "artifact", "counter",
    ]

    private static let registry = [
        // The highest number that was ever given, so that none is given twice.
        "CREATE TABLE counter (name TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT",
        "INSERT INTO counter (name, last) SELECT 'experiment', COALESCE(MAX(experiment_id), 0) FROM experiment",
        "ALTER TABLE registered_model ADD COLUMN last_version INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE registered_model ADD COLUMN policy TEXT",
        """
        UPDATE registered_model SET last_version =
            (SELECT COALESCE(MAX(v.version), 0) FROM model_version v WHERE v.name = registered_model.name)
        """,
        "ALTER TABLE model_version ADD COLUMN source TEXT",
        "ALTER TABLE model_version ADD COLUMN storage TEXT",
        "ALTER TABLE model_version ADD COLUMN candidate_path TEXT",
        "UPDATE model_version SET candidate_path = source_path",
        "ALTER TABLE model_version ADD COLUMN model_id TEXT",
        "ALTER TABLE model_version ADD COLUMN run_link TEXT",
        "ALTER TABLE model_version ADD COLUMN description TEXT",
        "ALTER TABLE model_version ADD COLUMN problem TEXT",
        "ALTER TABLE model_version ADD COLUMN updated_at_ms INTEGER",
        """
        CREATE TABLE registered_model_tag (
            name TEXT NOT NULL REFERENCES registered_model ON DELETE CASCADE,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (name, key)
        ) STRICT
        """,
        """
        CREATE TABLE model_version_tag (
            name TEXT NOT NULL,
            version INTEGER NOT NULL,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (name, version, key),
            FOREIGN KEY (name, version) REFERENCES model_version (name, version) ON DELETE CASCADE
        ) STRICT
        """,
    ]

    private static let loggedModels = [
        """
        CREATE TABLE logged_model (
            model_id TEXT PRIMARY KEY,
            experiment_id INTEGER NOT NULL REFERENCES experiment ON DELETE CASCADE,
            name TEXT NOT NULL,
            model_type TEXT,
            source_run_id TEXT,
            status INTEGER NOT NULL,
            lifecycle_stage TEXT NOT NULL DEFAULT 'active' CHECK (lifecycle_stage IN ('active', 'deleted')),
            created_at_ms INTEGER NOT NULL,
            updated_at_ms INTEGER NOT NULL,
            deleted_time_ms INTEGER
        ) STRICT
        """,
        """
        CREATE TABLE logged_model_tag (
            model_id TEXT NOT NULL REFERENCES logged_model ON DELETE CASCADE,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (model_id, key)
        ) STRICT
        """,
        """
        CREATE TABLE logged_model_param (
            model_id TEXT NOT NULL REFERENCES logged_model ON DELETE CASCADE,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (model_id, key)
        ) STRICT
        """,
        """
        CREATE TABLE logged_model_metric (
            seq INTEGER PRIMARY KEY,
            model_id TEXT NOT NULL REFERENCES logged_model ON DELETE CASCADE,
            run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            value REAL NOT NULL,
            is_nan INTEGER NOT NULL DEFAULT 0,
            step INTEGER NOT NULL DEFAULT 0,
            timestamp_ms INTEGER NOT NULL,
            dataset_name TEXT NOT NULL DEFAULT '',
            dataset_digest TEXT NOT NULL DEFAULT '',
            UNIQUE (model_id, key, timestamp_ms, step, value, is_nan, run_id, dataset_name, dataset_digest)
        ) STRICT
        """,
        """
        CREATE TABLE run_model_input (
            run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
            model_id TEXT NOT NULL,
            PRIMARY KEY (run_id, model_id)
        ) STRICT
        """,
        """
        CREATE TABLE run_model_output (
            seq INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
            model_id TEXT NOT NULL,
            step INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """,
        "CREATE INDEX logged_model_experiment ON logged_model (experiment_id, name)",
        "CREATE INDEX logged_model_metric_run ON logged_model_metric (run_id)",
        "CREATE INDEX run_model_output_run ON run_model_output (run_id)",
        "CREATE INDEX run_experiment_newest ON run (experiment_id, lifecycle_stage, start_time_ms)",
    ]

    /// A row for each folder (without a digest) and each file; the bytes are in a file named by their SHA-256.
    private static let artifacts = [
        """
        CREATE TABLE artifact (
            path TEXT PRIMARY KEY,
            parent TEXT NOT NULL,
            digest TEXT,
            size INTEGER,
            modified_at_ms INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX artifact_parent ON artifact (parent, path)",
        "CREATE INDEX artifact_digest ON artifact (digest)",
    ]
}
