import BalanceSystem
import BalanceCore

/// Policies, the state of what serves, the chain of the audit trail, approvals and webhooks.
enum Schema004 {
    static func create(_ connection: any SQLConnection) throws {
        for statement in registry + policies + audit + webhooks { try connection.execute(statement) }
        try bindDefault(connection)
        try AuditRows.chainAll(connection)
        for statement in guards { try connection.execute(statement) }
    }

    /// Models that were bound to the one policy that there was stay bound to it.
    private static func bindDefault(_ connection: any SQLConnection) throws {
        let bound = try connection.rows("SELECT name FROM registered_model WHERE policy = 'default'")
        guard !bound.isEmpty, let saved = PolicyRows.shipped("default") else { return }
        try PolicyRows.retain(saved, at: .now(), connection)
        for row in bound {
            try connection.execute(
                "INSERT INTO slot (name, policy, policy_hash) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
                    + "policy = excluded.policy, policy_hash = excluded.policy_hash",
                [.optional(row.text(0)), .text(saved.policy.name), .text(saved.policy.hash)]
            )
        }
    }

    static let tableNames: Set<String> = [
        "slot", "slot_history", "policy", "approval", "attempt", "idempotency", "webhook", "webhook_delivery",
    ]

    private static let registry = [
        "ALTER TABLE model_version ADD COLUMN snapshot_json TEXT",
        "ALTER TABLE model_version ADD COLUMN author TEXT",
        "ALTER TABLE model_version ADD COLUMN quarantined_at_ms INTEGER",
        "ALTER TABLE model_version ADD COLUMN quarantine_reason TEXT",
        "ALTER TABLE model_version ADD COLUMN rolled_back_at_ms INTEGER",
        "CREATE INDEX model_version_digest ON model_version (name, digest)",
        // What is governed of a model: it outlives the alias, so that a generation is never given twice.
        """
        CREATE TABLE slot (
            name TEXT PRIMARY KEY REFERENCES registered_model ON DELETE CASCADE,
            generation INTEGER NOT NULL DEFAULT 0,
            policy TEXT,
            policy_hash TEXT,
            promoted_at_ms INTEGER,
            moved_at_ms INTEGER,
            frozen_at_ms INTEGER,
            frozen_by TEXT,
            frozen_reason TEXT,
            is_forced INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """,
        """
        CREATE TABLE slot_history (
            name TEXT NOT NULL REFERENCES registered_model ON DELETE CASCADE,
            generation INTEGER NOT NULL,
            version INTEGER,
            kind TEXT NOT NULL,
            at_ms INTEGER NOT NULL,
            actor TEXT NOT NULL,
            PRIMARY KEY (name, generation)
        ) STRICT
        """,
        """
        INSERT INTO slot (name, generation, promoted_at_ms, moved_at_ms)
            SELECT a.name, a.generation, a.moved_at_ms, a.moved_at_ms FROM model_alias a WHERE a.alias = 'current'
        """,
        """
        INSERT INTO slot_history (name, generation, version, kind, at_ms, actor)
            SELECT a.name, a.generation, a.version, 'promote', a.moved_at_ms, 'migration'
            FROM model_alias a WHERE a.alias = 'current'
        """,
    ]

    private static let policies = [
        """
        CREATE TABLE policy (
            name TEXT NOT NULL,
            version INTEGER NOT NULL CHECK (version > 0),
            hash TEXT NOT NULL,
            text TEXT NOT NULL,
            document_json TEXT NOT NULL,
            created_at_ms INTEGER NOT NULL,
            actor TEXT NOT NULL,
            PRIMARY KEY (name, version)
        ) STRICT
        """,
        "CREATE INDEX policy_hash ON policy (hash)",
        """
        CREATE TABLE approval (
            approval_id INTEGER PRIMARY KEY,
            name TEXT NOT NULL REFERENCES registered_model ON DELETE CASCADE,
            version INTEGER NOT NULL,
            digest TEXT NOT NULL,
            policy_hash TEXT NOT NULL,
            generation INTEGER NOT NULL,
            actor TEXT NOT NULL,
            at_ms INTEGER NOT NULL,
            expires_at_ms INTEGER NOT NULL,
            UNIQUE (name, digest, policy_hash, generation, actor)
        ) STRICT
        """,
        """
        CREATE TABLE attempt (
            name TEXT NOT NULL REFERENCES registered_model ON DELETE CASCADE,
            dataset TEXT NOT NULL,
            digest TEXT NOT NULL,
            at_ms INTEGER NOT NULL,
            PRIMARY KEY (name, dataset, digest)
        ) STRICT
        """,
        """
        CREATE TABLE idempotency (
            key TEXT PRIMARY KEY,
            request_hash TEXT NOT NULL,
            response_json TEXT NOT NULL,
            at_ms INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX idempotency_at ON idempotency (at_ms)",
    ]

    private static let audit = [
        "ALTER TABLE audit_event ADD COLUMN generation_before INTEGER",
        "ALTER TABLE audit_event ADD COLUMN generation_after INTEGER",
        "ALTER TABLE audit_event ADD COLUMN policy_hash TEXT",
        "ALTER TABLE audit_event ADD COLUMN request_id TEXT",
        "ALTER TABLE audit_event ADD COLUMN prev_hash TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE audit_event ADD COLUMN hash TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE audit_event ADD COLUMN signature TEXT",
        "CREATE INDEX audit_event_subject ON audit_event (subject, seq)",
    ]

    private static let webhooks = [
        """
        CREATE TABLE webhook (
            webhook_id TEXT PRIMARY KEY,
            url TEXT NOT NULL,
            format TEXT NOT NULL CHECK (format IN ('json', 'slack')),
            secret TEXT NOT NULL,
            model TEXT,
            actions_json TEXT NOT NULL,
            is_active INTEGER NOT NULL DEFAULT 1,
            created_at_ms INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE webhook_delivery (
            seq INTEGER PRIMARY KEY,
            delivery_id TEXT NOT NULL UNIQUE,
            webhook_id TEXT NOT NULL REFERENCES webhook ON DELETE CASCADE,
            subject TEXT NOT NULL,
            event_seq INTEGER NOT NULL,
            body TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
            attempts INTEGER NOT NULL DEFAULT 0,
            created_at_ms INTEGER NOT NULL,
            next_at_ms INTEGER NOT NULL,
            ended_at_ms INTEGER,
            last_error TEXT
        ) STRICT
        """,
        "CREATE INDEX webhook_delivery_due ON webhook_delivery (state, webhook_id, subject, seq)",
        "CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at_ms)",
    ]

    /// Nobody changes or removes a line by mistake; who does it on purpose is found by the chain.
    private static let guards = [
        """
        CREATE TRIGGER audit_event_is_never_changed BEFORE UPDATE ON audit_event
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
        """,
        """
        CREATE TRIGGER audit_event_is_never_removed BEFORE DELETE ON audit_event
        BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
        """,
    ]
}
