/// Accounts, what they may do, their tokens and sessions, and who did what is in the trail.
enum Schema008 {
    static func create(_ connection: any SQLConnection) throws {
        for statement in statements { try connection.execute(statement) }
    }

    static let tableNames: Set<String> = [
        "account", "access_grant", "access_token", "access_session", "sign_in_failure", "access_state",
    ]

    private static let statements = [
        // A deleted account keeps its row: its name and its id are never given again.
        """
        CREATE TABLE account (
            account_id TEXT PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            owner TEXT REFERENCES account,
            display_name TEXT,
            password TEXT,
            issuer TEXT,
            subject TEXT,
            is_disabled INTEGER NOT NULL DEFAULT 0,
            created_at_ms INTEGER NOT NULL,
            deleted_at_ms INTEGER,
            signed_in_at_ms INTEGER,
            UNIQUE (issuer, subject)
        ) STRICT
        """,
        "CREATE INDEX account_deleted ON account (deleted_at_ms)",
        """
        CREATE TABLE access_grant (
            account_id TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
            role TEXT NOT NULL,
            scope TEXT NOT NULL,
            title TEXT NOT NULL DEFAULT '',
            origin TEXT NOT NULL,
            at_ms INTEGER NOT NULL,
            PRIMARY KEY (account_id, role, scope, title)
        ) STRICT
        """,
        """
        CREATE TABLE access_token (
            token_id TEXT PRIMARY KEY,
            account_id TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
            note TEXT NOT NULL,
            digest TEXT NOT NULL,
            former_digest TEXT,
            former_until_ms INTEGER,
            permissions INTEGER NOT NULL,
            scopes_json TEXT NOT NULL,
            created_at_ms INTEGER NOT NULL,
            expires_at_ms INTEGER,
            used_at_ms INTEGER,
            revoked_at_ms INTEGER
        ) STRICT
        """,
        "CREATE INDEX access_token_account ON access_token (account_id)",
        """
        CREATE TABLE access_session (
            session_id TEXT PRIMARY KEY,
            account_id TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
            created_at_ms INTEGER NOT NULL,
            seen_at_ms INTEGER NOT NULL,
            address TEXT NOT NULL,
            agent TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX access_session_account ON access_session (account_id)",
        """
        CREATE TABLE sign_in_failure (
            key TEXT PRIMARY KEY,
            count INTEGER NOT NULL,
            first_at_ms INTEGER NOT NULL,
            last_at_ms INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX sign_in_failure_time ON sign_in_failure (last_at_ms)",
        "CREATE TABLE access_state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
        "INSERT INTO access_state (key, value) VALUES ('revision', '0')",
        "ALTER TABLE audit_event ADD COLUMN account_id TEXT",
        "ALTER TABLE audit_event ADD COLUMN token_id TEXT",
        "ALTER TABLE approval ADD COLUMN account_id TEXT",
        "ALTER TABLE model_version ADD COLUMN account_id TEXT",
        "ALTER TABLE run ADD COLUMN account_id TEXT",
    ]
}
