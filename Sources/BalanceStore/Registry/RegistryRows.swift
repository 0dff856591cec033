import BalanceCore

/// A version as it is recorded.
struct NewVersion {
    var name: String
    var runID: RunID?
    var path: String
    var sourcePath: String?
    var digest: String?
    var size: Int?
    var format: String?
    var signature: String?
    var metricsJSON: String?
    var stage: String
    var createdAt: String
    var moment: Timestamp
}

/// The rows of the registry, written the same way by the store and by the migration.
enum RegistryRows {
    /// Records a version under the next number, with its model where that is new.
    static func insert(_ version: NewVersion, _ connection: any SQLConnection) throws -> Int {
        try connection.execute(
            "INSERT INTO registered_model (name, created_at_ms, updated_at_ms) VALUES (?, ?, ?) "
                + "ON CONFLICT (name) DO UPDATE SET updated_at_ms = excluded.updated_at_ms",
            [.text(version.name), .integer(version.moment.milliseconds), .integer(version.moment.milliseconds)]
        )
        let number = try nextVersion(of: version.name, connection)
        try connection.execute(
            "INSERT INTO model_version (name, version, run_id, path, source_path, candidate_path, digest, size, "
                + "format, signature_json, metrics_json, stage, created_at, created_at_ms, updated_at_ms) "
                + "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                .text(version.name), .integer(number), .optional(version.runID?.stored), .text(version.path),
                .optional(version.sourcePath), .optional(version.sourcePath), .optional(version.digest),
                .optional(version.size),
                .optional(version.format), .optional(version.signature), .optional(version.metricsJSON),
                .text(version.stage),
                .text(version.createdAt), .integer(version.moment.milliseconds), .integer(version.moment.milliseconds),
            ]
        )
        return number
    }

    /// The number after the highest that a model ever gave, also to versions that were deleted.
    static func nextVersion(of name: String, _ connection: any SQLConnection) throws -> Int {
        let rows = try connection.rows(
            "UPDATE registered_model SET last_version = last_version + 1 WHERE name = ? RETURNING last_version",
            [.text(name)]
        )
        guard let number = rows.first?.integer(0) else { throw missing(name) }
        return number
    }

    static func missing(_ name: String) -> Failure {
        Failure(.resourceNotFound, "Registered Model with name=\(name) not found")
    }

    /// Points an alias to a version and counts the move.
    static func move(
        _ alias: String,
        of name: String,
        to version: Int,
        at moment: Timestamp,
        _ connection: any SQLConnection
    ) throws {
        try connection.execute(
            "INSERT INTO model_alias (name, alias, version, generation, moved_at_ms) VALUES (?, ?, ?, 1, ?) "
                + "ON CONFLICT (name, alias) DO UPDATE SET version = excluded.version, "
                + "generation = model_alias.generation + 1, moved_at_ms = excluded.moved_at_ms",
            [.text(name), .text(alias), .integer(version), .integer(moment.milliseconds)]
        )
    }

    static func current(_ name: String, _ connection: any SQLConnection) throws -> CurrentModel? {
        let rows = try connection.rows(
            "SELECT v.version, v.run_id, v.path, v.created_at, v.metrics_json, v.digest, v.source_path, "
                + "COALESCE(s.generation, a.generation), v.signature_json "
                + "FROM model_alias a LEFT JOIN slot s ON s.name = a.name JOIN model_version v ON v.name = a.name AND v.version = a.version "
                + "WHERE a.name = ? AND a.alias = 'current'",
            [.text(name)]
        )
        return rows.first.map { row in
            var model = CurrentModel(
                name: name,
                version: row.integer(0) ?? 0,
                runID: row.text(1).map(RunID.init(stored:)),
                path: row.text(2) ?? "",
                createdAt: row.text(3) ?? "",
                metricsJSON: row.text(4),
                digest: row.text(5),
                sourcePath: row.text(6),
                generation: row.integer(7) ?? 0
            )
            model.signature = row.text(8)
            return model
        }
    }
}
