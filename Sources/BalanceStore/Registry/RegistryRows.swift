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
    var metricsJSON: String?
    var stage: String
    var createdAt: String
    var moment: Timestamp
}

/// The rows of the registry, written the same way by the store and by the migration.
enum RegistryRows {
    /// Records a version under the next number.
    static func insert(_ version: NewVersion, _ connection: any SQLConnection) throws -> Int {
        try connection.execute(
            "INSERT INTO registered_model (name, created_at_ms, updated_at_ms) VALUES (?, ?, ?) "
                + "ON CONFLICT (name) DO UPDATE SET updated_at_ms = excluded.updated_at_ms",
            [.text(version.name), .integer(version.moment.milliseconds), .integer(version.moment.milliseconds)]
        )
        let last = try connection.rows(
            "SELECT COALESCE(MAX(version), 0) FROM model_version WHERE name = ?",
            [.text(version.name)]
        ).first?.integer(0)
        let number = (last ?? 0) + 1
        try connection.execute(
            "INSERT INTO model_version (name, version, run_id, path, source_path, digest, size, format, metrics_json, "
                + "stage, created_at, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                .text(version.name), .integer(number), .optional(version.runID?.stored), .text(version.path),
                .optional(version.sourcePath), .optional(version.digest), .optional(version.size),
                .optional(version.format), .optional(version.metricsJSON), .text(version.stage),
                .text(version.createdAt), .integer(version.moment.milliseconds),
            ]
        )
        return number
    }

    /// Points the alias `current` to a version and counts the move.
    static func moveCurrent(
        _ name: String,
        to version: Int,
        at moment: Timestamp,
        _ connection: any SQLConnection
    ) throws {
        try connection.execute(
            "INSERT INTO model_alias (name, alias, version, generation, moved_at_ms) VALUES (?, 'current', ?, 1, ?) "
                + "ON CONFLICT (name, alias) DO UPDATE SET version = excluded.version, "
                + "generation = model_alias.generation + 1, moved_at_ms = excluded.moved_at_ms",
            [.text(name), .integer(version), .integer(moment.milliseconds)]
        )
    }

    static func current(_ name: String, _ connection: any SQLConnection) throws -> CurrentModel? {
        let rows = try connection.rows(
            "SELECT v.version, v.run_id, v.path, v.created_at, v.metrics_json, v.digest, v.source_path, a.generation "
                + "FROM model_alias a JOIN model_version v ON v.name = a.name AND v.version = a.version "
                + "WHERE a.name = ? AND a.alias = 'current'",
            [.text(name)]
        )
        return rows.first.map { row in
            CurrentModel(
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
        }
    }
}
