import BalanceSystem
package import BalanceCore

/// Registered models and the audit trail in an SQL database.
package struct SQLRegistryStore: RegistryStore {
    let database: any SQLDatabase
    let key: AuditKey?

    /// - Parameters:
    ///   - database: Where everything is.
    ///   - key: Signs the audit trail; nil: its lines are chained but not signed.
    package init(database: any SQLDatabase, key: AuditKey?) {
        self.database = database
        self.key = key
    }

    var audit: AuditWriter { AuditWriter(database: database, key: key) }

    package func currentModel(named name: String) async throws -> CurrentModel? {
        try await database.read { try RegistryRows.current(name, $0) }
    }

    package func recordFailedTest(
        of name: String,
        version: Int?,
        run: RunID?,
        reason: String,
        by actor: Actor
    ) async throws {
        try await audit.write { connection in
            let before = try RegistryRows.current(name, connection)
            var event = AuditEvent(at: .now(), by: actor, action: .selfTestFailed, subject: name, reason: reason)
            event.fromVersion = before?.version
            event.toVersion = version
            event.runID = run?.stored
            try connection.append(event)
        }
    }

    package func recordControl(_ action: AuditAction, of name: String, by actor: Actor) async throws {
        try await audit.write { connection in
            let slot = try SlotRows.slot(name, connection)
            var event = AuditEvent(
                at: .now(),
                by: actor,
                action: action,
                subject: name,
                reason: action == .modelLoaded
                    ? "in service" : "out of service until it is loaded or the server restarts"
            )
            event.toVersion = slot.version
            event.generationBefore = slot.generation
            event.generationAfter = slot.generation
            try connection.append(event)
        }
    }

    package func recordDamage(of current: CurrentModel, serving version: Int?, reason: String) async throws {
        try await audit.write { connection in
            let answer = version.map { "version \($0) answers" } ?? "no version answers"
            var event = AuditEvent(
                at: .now(),
                by: Actor(name: "server"),
                action: .modelDamaged,
                subject: current.name,
                reason: "\(reason); \(answer)"
            )
            event.fromVersion = current.version
            event.toVersion = version
            event.generationBefore = current.generation
            event.generationAfter = current.generation
            try connection.append(event)
        }
    }

    package func servedBefore(_ current: CurrentModel) async throws -> [CurrentModel] {
        try await database.read { try RegistryRows.served(before: current, $0) }
    }

    package func currentPointers() async throws -> [ByteText: CurrentPointer] {
        try await database.read { connection in
            let rows = try connection.rows(
                "SELECT a.name, a.version, COALESCE(s.generation, a.generation), v.path, v.digest FROM model_alias a "
                    + "JOIN model_version v ON v.name = a.name AND v.version = a.version "
                    + "LEFT JOIN slot s ON s.name = a.name WHERE a.alias = '\(currentAlias)'"
            )
            return ByteText.dictionary(
                rows.map { row in
                    let pointer = CurrentPointer(
                        version: row.integer(1) ?? 0,
                        generation: row.integer(2) ?? 0,
                        path: row.text(3) ?? "",
                        digest: row.text(4)
                    )
                    return (row.text(0) ?? "", pointer)
                }
            )
        }
    }

    package func exclusively(
        _ name: String,
        _ body: @escaping @Sendable (CurrentModel?) throws -> Void
    ) async throws {
        try await database.write { try body(RegistryRows.current(name, $0)) }
    }

    static func insertVersion(
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
    static func update(
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

    static func exists(_ run: RunID, _ connection: any SQLConnection) throws -> Bool {
        try !connection.rows("SELECT 1 FROM run WHERE run_id = ?", [.text(run.stored)]).isEmpty
    }

    static func wouldStopServing(_ promotion: Promotion, _ before: CurrentModel) -> Failure {
        Failure(
            .promotionRefused,
            "The version \(promotion.version ?? 0) of '\(promotion.name)' cannot be served, and version "
                + "\(before.version) serves: \(promotion.problem ?? "its files were not found")",
            hint: "to stop serving, delete the alias '\(currentAlias)' first"
        )
    }

    static func archive(_ model: CurrentModel, _ connection: any SQLConnection) throws {
        try connection.execute(
            "UPDATE model_version SET stage = 'archived' WHERE name = ? AND version = ?",
            [.text(model.name), .integer(model.version)]
        )
    }
}
