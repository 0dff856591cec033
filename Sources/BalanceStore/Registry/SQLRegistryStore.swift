package import BalanceCore

/// Registered models and the audit trail in an SQL database.
package struct SQLRegistryStore: RegistryStore {
    let database: any SQLDatabase

    package init(database: any SQLDatabase) { self.database = database }

    package func currentModel(named name: String) async throws -> CurrentModel? {
        try await database.read { try RegistryRows.current(name, $0) }
    }

    package func promote(
        _ promotion: Promotion,
        servedFrom path: String,
        install: @escaping @Sendable () throws -> Void
    ) async throws -> Decision {
        try await database.write { connection in
            let before = try RegistryRows.current(promotion.name, connection)
            if path.isEmpty, let before, !before.path.isEmpty { throw Self.wouldStopServing(promotion, before) }
            let decision =
                promotion.policy?.decide(candidate: promotion.metrics, current: before?.metrics) ?? promotion.decision
            guard decision.promotes else {
                try Self.record(decision, "promotion refused", promotion, from: before?.version, to: nil, connection)
                return decision
            }
            if let before { try Self.archive(before, connection) }
            let version = try promotion.version ?? Self.insertVersion(promotion, path: path, connection)
            if promotion.version != nil { try Self.update(version, promotion, path: path, connection) }
            try RegistryRows.move(currentAlias, of: promotion.name, to: version, at: promotion.at, connection)
            if let run = promotion.runID, !path.isEmpty, try Self.exists(run, connection) {
                try RunRows.insert(ArtifactRecord(kind: "model_current", path: path), of: run.stored, connection)
            }
            try Self.record(decision, "promoted", promotion, from: before?.version, to: version, connection)
            // Last, so that what the database can refuse has been refused before a file changes.
            try install()
            return decision
        }
    }

    package func recordFailedTest(
        of name: String,
        version: Int?,
        run: RunID?,
        reason: String,
        actor: String
    ) async throws {
        try await database.write { connection in
            let before = try RegistryRows.current(name, connection)
            try connection.execute(
                "INSERT INTO audit_event (at_ms, actor, action, subject, reason, from_version, to_version, run_id) "
                    + "VALUES (?, ?, 'self-test failed', ?, ?, ?, ?, ?)",
                [
                    .integer(Timestamp.now().milliseconds), .text(actor), .text(name), .text(reason),
                    .optional(before?.version), .optional(version), .optional(run?.stored),
                ]
            )
        }
    }

    package func exclusively(
        _ name: String,
        _ body: @escaping @Sendable (CurrentModel?) throws -> Void
    ) async throws {
        try await database.write { try body(RegistryRows.current(name, $0)) }
    }

    package func auditEvents(limit: Int) async throws -> [AuditEvent] {
        try await database.read { connection in
            try connection.rows(
                "SELECT seq, at_ms, actor, action, subject, reason, decision_json FROM audit_event "
                    + "ORDER BY seq DESC LIMIT ?",
                [.integer(limit)]
            ).map { row in
                AuditEvent(
                    sequence: row.integer(0) ?? 0,
                    at: Timestamp(milliseconds: row.integer(1) ?? 0),
                    actor: row.text(2) ?? "",
                    action: row.text(3) ?? "",
                    subject: row.text(4) ?? "",
                    reason: row.text(5) ?? "",
                    decisionJSON: row.text(6)
                )
            }
        }
    }

    private static func insertVersion(
        _ promotion: Promotion,
        path: String,
        _ connection: any SQLConnection
    ) throws -> Int {
        try RegistryRows.insert(
            NewVersion(
                name: promotion.name,
                runID: promotion.runID,
                path: path,
                sourcePath: promotion.sourcePath,
                digest: promotion.digest,
                size: promotion.size,
                format: promotion.format,
                signature: promotion.signature,
                metricsJSON: promotion.metrics.json.text(),
                stage: "current",
                createdAt: promotion.at.iso8601,
                moment: promotion.at
            ),
            connection
        )
    }

    /// Records on a registered version that it serves now, and from where.
    private static func update(
        _ version: Int,
        _ promotion: Promotion,
        path: String,
        _ connection: any SQLConnection
    ) throws {
        _ = try VersionRows.version(version, of: promotion.name, connection)
        let moment = SQLValue.integer(promotion.at.milliseconds)
        try connection.execute(
            "UPDATE model_version SET stage = 'current', path = ?, source_path = ?, digest = ?, size = ?, format = ?, "
                + "problem = ?, signature_json = COALESCE(signature_json, ?), updated_at_ms = ? WHERE name = ? AND version = ?",
            [
                .text(path), .optional(promotion.sourcePath.isEmpty ? nil : promotion.sourcePath),
                .optional(promotion.digest.isEmpty ? nil : promotion.digest), .integer(promotion.size),
                .optional(promotion.format.isEmpty ? nil : promotion.format), .optional(promotion.problem),
                .optional(promotion.signature), moment,
                .text(promotion.name),
                .integer(version),
            ]
        )
        try touch(promotion.name, at: promotion.at, connection)
    }

    private static func exists(_ run: RunID, _ connection: any SQLConnection) throws -> Bool {
        try !connection.rows("SELECT 1 FROM run WHERE run_id = ?", [.text(run.stored)]).isEmpty
    }

    private static func wouldStopServing(_ promotion: Promotion, _ before: CurrentModel) -> Failure {
        Failure(
            .promotionRefused,
            "The version \(promotion.version ?? 0) of '\(promotion.name)' cannot be served, and version "
                + "\(before.version) serves: \(promotion.problem ?? "its files were not found")",
            hint: "delete the alias '\(currentAlias)' first if nothing shall serve"
        )
    }

    private static func archive(_ model: CurrentModel, _ connection: any SQLConnection) throws {
        try connection.execute(
            "UPDATE model_version SET stage = 'archived' WHERE name = ? AND version = ?",
            [.text(model.name), .integer(model.version)]
        )
    }

    private static func record(
        _ decision: Decision,
        _ action: String,
        _ promotion: Promotion,
        from: Int?,
        to: Int?,
        _ connection: any SQLConnection
    ) throws {
        let selfTest = promotion.selfTest.map { [("self_test", $0)] } ?? []
        try connection.execute(
            "INSERT INTO audit_event (at_ms, actor, action, subject, reason, from_version, to_version, run_id, "
                + "decision_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                .integer(promotion.at.milliseconds), .text(promotion.actor), .text(action), .text(promotion.name),
                .text(decision.reason), .optional(from), .optional(to), .optional(promotion.runID?.stored),
                .text(JSONValue.object((decision.json.members ?? []) + selfTest).text()),
            ]
        )
    }
}
