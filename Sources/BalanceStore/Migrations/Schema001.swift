/// Experiments, runs, models and the audit trail.
enum Schema001 {
    static func create(_ connection: any SQLConnection) throws {
        for statement in tracking + registry + indexes { try connection.execute(statement) }
        try connection.execute(
            "INSERT INTO experiment (experiment_id, name, lifecycle_stage, created_at_ms, updated_at_ms) "
                + "VALUES (0, 'Default', 'active', 0, 0)"
        )
    }

    static let tableNames: Set<String> = [
        "experiment", "experiment_tag", "run", "param", "tag", "metric", "latest_metric", "dataset", "run_input",
        "run_artifact", "registered_model", "model_version", "model_alias", "audit_event",
    ]

    private static let stage = "TEXT NOT NULL DEFAULT 'active' CHECK (lifecycle_stage IN ('active', 'deleted'))"

    private static let tracking = [
        """
        CREATE TABLE experiment (
            experiment_id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            lifecycle_stage \(stage),
            artifact_location TEXT,
            created_at_ms INTEGER NOT NULL,
            updated_at_ms INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE experiment_tag (
            experiment_id INTEGER NOT NULL REFERENCES experiment ON DELETE CASCADE,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (experiment_id, key)
        ) STRICT
        """,
        """
        CREATE TABLE run (
            seq INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL UNIQUE,
            experiment_id INTEGER NOT NULL DEFAULT 0 REFERENCES experiment,
            name TEXT,
            kind TEXT,
            status TEXT NOT NULL CHECK (status IN ('RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED')),
            lifecycle_stage \(stage),
            created_at TEXT NOT NULL,
            start_time_ms INTEGER NOT NULL,
            end_time_ms INTEGER,
            deleted_time_ms INTEGER,
            user_id TEXT,
            git_commit TEXT,
            git_branch TEXT,
            git_dirty INTEGER,
            params_json TEXT,
            note TEXT,
            run_dir_name TEXT
        ) STRICT
        """,
        """
        CREATE TABLE param (
            run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (run_id, key)
        ) STRICT
        """,
        """
        CREATE TABLE tag (
            run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (run_id, key)
        ) STRICT
        """,
        """
        CREATE TABLE metric (
            seq INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            value REAL NOT NULL,
            is_nan INTEGER NOT NULL DEFAULT 0,
            step INTEGER NOT NULL DEFAULT 0,
            timestamp_ms INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE latest_metric (
            run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            value REAL NOT NULL,
            is_nan INTEGER NOT NULL DEFAULT 0,
            step INTEGER NOT NULL,
            timestamp_ms INTEGER NOT NULL,
            PRIMARY KEY (run_id, key)
        ) STRICT
        """,
        """
        CREATE TABLE dataset (
            dataset_id INTEGER PRIMARY KEY,
            experiment_id INTEGER NOT NULL REFERENCES experiment ON DELETE CASCADE,
            name TEXT NOT NULL,
            digest TEXT NOT NULL,
            source_type TEXT NOT NULL,
            source TEXT NOT NULL,
            schema_json TEXT,
            profile_json TEXT,
            UNIQUE (experiment_id, name, digest)
        ) STRICT
        """,
        """
        CREATE TABLE run_input (
            run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
            dataset_id INTEGER NOT NULL REFERENCES dataset ON DELETE CASCADE,
            context TEXT,
            tags_json TEXT NOT NULL DEFAULT '[]',
            PRIMARY KEY (run_id, dataset_id)
        ) STRICT
        """,
        """
        CREATE TABLE run_artifact (
            seq INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
            kind TEXT NOT NULL,
            path TEXT NOT NULL
        ) STRICT
        """,
    ]

    private static let registry = [
        """
        CREATE TABLE registered_model (
            name TEXT PRIMARY KEY,
            description TEXT,
            created_at_ms INTEGER NOT NULL,
            updated_at_ms INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE model_version (
            name TEXT NOT NULL REFERENCES registered_model ON DELETE CASCADE,
            version INTEGER NOT NULL CHECK (version > 0),
            run_id TEXT,
            path TEXT NOT NULL,
            source_path TEXT,
            digest TEXT,
            size INTEGER,
            format TEXT,
            signature_json TEXT,
            metrics_json TEXT,
            stage TEXT NOT NULL DEFAULT 'candidate',
            created_at TEXT NOT NULL,
            created_at_ms INTEGER NOT NULL,
            PRIMARY KEY (name, version)
        ) STRICT
        """,
        """
        CREATE TABLE model_alias (
            name TEXT NOT NULL,
            alias TEXT NOT NULL,
            version INTEGER NOT NULL,
            generation INTEGER NOT NULL DEFAULT 1,
            moved_at_ms INTEGER NOT NULL,
            PRIMARY KEY (name, alias),
            FOREIGN KEY (name, version) REFERENCES model_version (name, version) ON DELETE CASCADE
        ) STRICT
        """,
        """
        CREATE TABLE audit_event (
            seq INTEGER PRIMARY KEY,
            at_ms INTEGER NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            subject TEXT NOT NULL,
            reason TEXT NOT NULL,
            from_version INTEGER,
            to_version INTEGER,
            run_id TEXT,
            decision_json TEXT
        ) STRICT
        """,
    ]

    private static let indexes = [
        "CREATE INDEX run_newest ON run (lifecycle_stage, start_time_ms, seq)",
        "CREATE INDEX run_kind ON run (kind)",
        "CREATE INDEX run_experiment ON run (experiment_id)",
        // The history is a set: the same point that is sent twice is one point.
        "CREATE UNIQUE INDEX metric_point ON metric (run_id, key, timestamp_ms, step, value, is_nan)",
        "CREATE INDEX run_artifact_run ON run_artifact (run_id, kind, path)",
        "CREATE INDEX run_input_dataset ON run_input (dataset_id)",
        "CREATE INDEX model_version_run ON model_version (run_id)",
        "CREATE INDEX model_alias_version ON model_alias (name, version)",
    ]
}
