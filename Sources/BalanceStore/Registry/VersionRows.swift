import BalanceCore

/// The rows of registered models and their versions, read with all that belongs to them.
enum VersionRows {
    static let modelColumns = "m.name, m.description, m.created_at_ms, m.updated_at_ms"

    static let columns =
        "v.name, v.version, v.created_at_ms, COALESCE(v.updated_at_ms, v.created_at_ms), v.stage, v.description, "
        + "v.source, v.run_id, v.model_id, v.run_link, v.metrics_json, v.format, v.problem, "
        + "v.digest, v.candidate_path, v.storage, v.signature_json, \(quarantine)"

    /// Why the bytes of a version `v` are in quarantine, whichever number they were put there by; else NULL.
    static let quarantine =
        "COALESCE(v.quarantine_reason, (SELECT q.quarantine_reason FROM model_version q WHERE q.name = v.name "
        + "AND q.digest = v.digest AND q.quarantined_at_ms IS NOT NULL LIMIT 1))"

    static func model(_ name: String, _ connection: any SQLConnection) throws -> RegisteredModel {
        let rows = try connection.rows(
            "SELECT \(modelColumns) FROM registered_model m WHERE m.name = ?",
            [.text(name)]
        )
        guard let row = rows.first else { throw RegistryRows.missing(name) }
        return try model(row, connection)
    }

    /// Refuses a name that no registered model has.
    static func requireModel(_ name: String, _ connection: any SQLConnection) throws {
        let rows = try connection.rows("SELECT 1 FROM registered_model WHERE name = ?", [.text(name)])
        guard !rows.isEmpty else { throw RegistryRows.missing(name) }
    }

    static func model(_ row: SQLRow, _ connection: any SQLConnection) throws -> RegisteredModel {
        let name = row.text(0) ?? ""
        return RegisteredModel(
            name: name,
            description: row.text(1),
            createdAt: Timestamp(milliseconds: row.integer(2) ?? 0),
            updatedAt: Timestamp(milliseconds: row.integer(3) ?? 0),
            tags: try tags("registered_model_tag", "name = ?", [.text(name)], connection),
            aliases: try aliases(of: name, connection),
            latest: try latest(of: name, stages: VersionStage.allCases, connection)
        )
    }

    static func version(_ version: Int, of name: String, _ connection: any SQLConnection) throws -> ModelVersion {
        let rows = try connection.rows(
            "SELECT \(columns) FROM model_version v WHERE v.name = ? AND v.version = ?",
            [.text(name), .integer(version)]
        )
        guard let row = rows.first else { throw missing(version, name) }
        return try self.version(row, connection)
    }

    static func version(_ row: SQLRow, _ connection: any SQLConnection) throws -> ModelVersion {
        let name = row.text(0) ?? ""
        let number = row.integer(1) ?? 0
        let metrics =
            row.text(10).flatMap { try? JSONValue(parsing: Array($0.utf8), allowsNonFinite: true) }?.members ?? []
        var version = ModelVersion(
            name: name,
            version: number,
            createdAt: Timestamp(milliseconds: row.integer(2) ?? 0),
            updatedAt: Timestamp(milliseconds: row.integer(3) ?? 0),
            stage: row.text(4).flatMap { VersionStage(rawValue: $0) } ?? .candidate,
            description: row.text(5),
            source: row.text(6),
            runID: row.text(7).map(RunID.init(stored:)),
            modelID: row.text(8),
            runLink: row.text(9),
            tags: try tags(
                "model_version_tag",
                "name = ? AND version = ?",
                [.text(name), .integer(number)],
                connection
            ),
            aliases: try aliases(of: name, version: number, connection),
            metrics: metrics.compactMap { key, value in
                // JSON has no form for NaN, so null stands for it.
                value.isNull ? Metric(key, .nan) : value.number.map { Metric(key, $0) }
            },
            format: row.text(11),
            problem: row.text(12),
            digest: row.text(13)
        )
        version.candidatePath = row.text(14)
        version.storage = row.text(15)
        version.signature = row.text(16)
        version.quarantine = row.text(17)
        return version
    }

    static func latest(
        of name: String,
        stages: [VersionStage],
        _ connection: any SQLConnection
    ) throws -> [ModelVersion] {
        let newest = try stages.compactMap { stage in
            try connection.rows(
                "SELECT \(columns) FROM model_version v WHERE v.name = ? AND v.stage = ? ORDER BY v.version DESC LIMIT 1",
                [.text(name), .text(stage.rawValue)]
            ).first
        }
        return try newest.map { try version($0, connection) }.sorted { $0.version < $1.version }
    }

    static func missing(_ version: Int, _ name: String) -> Failure {
        Failure(.resourceNotFound, "Model Version (name=\(name), version=\(version)) not found")
    }

    static func aliases(of name: String, _ connection: any SQLConnection) throws -> [ModelAlias] {
        try connection.rows("SELECT alias, version FROM model_alias WHERE name = ? ORDER BY alias", [.text(name)])
            .map { ModelAlias(name: $0.text(0) ?? "", version: $0.integer(1) ?? 0) }
    }

    private static func aliases(of name: String, version: Int, _ connection: any SQLConnection) throws -> [String] {
        try connection.rows(
            "SELECT alias FROM model_alias WHERE name = ? AND version = ? ORDER BY alias",
            [.text(name), .integer(version)]
        ).map { $0.text(0) ?? "" }
    }

    private static func tags(
        _ table: String,
        _ condition: String,
        _ arguments: [SQLValue],
        _ connection: any SQLConnection
    ) throws -> [KeyValue] {
        try connection.rows("SELECT key, value FROM \(table) WHERE \(condition) ORDER BY key", arguments)
            .map { KeyValue(key: $0.text(0) ?? "", value: $0.text(1) ?? "") }
    }
}
