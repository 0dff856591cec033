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
        if try !create(RegisteredModel(name: version.name, at: version.moment), connection) {
            try SQLRegistryStore.touch(version.name, at: version.moment, connection)
        }
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

    /// Records a model, which goes on with what its name left behind: numbers, policy, and what candidates are judged by.
    ///
    /// - Returns: Whether it is new; one that is there already stays as it is.
    /// - Throws: `Failure` with code `alreadyExists` where another model has a name that looks the same.
    static func create(_ model: RegisteredModel, _ connection: any SQLConnection) throws -> Bool {
        if try !connection.rows("SELECT 1 FROM registered_model WHERE name = ?", [.text(model.name)]).isEmpty {
            return false
        }
        try requireDistinct(model.name, connection)
        let retired = try connection.rows(
            "SELECT last_version, generation FROM retired_model WHERE name = ?",
            [.text(model.name)]
        ).first
        try connection.execute(
            "INSERT INTO registered_model (name, folded_name, description, created_at_ms, updated_at_ms, last_version) "
                + "VALUES (?, ?, ?, ?, ?, ?)",
            [
                .text(model.name), .text(ModelName.folded(model.name)), .optional(model.description),
                .integer(model.createdAt.milliseconds), .integer(model.updatedAt.milliseconds),
                .integer(retired?.integer(0) ?? 0),
            ]
        )
        guard retired != nil else { return true }
        try connection.execute(
            "INSERT INTO slot (name, generation, policy, policy_hash, baseline_json) SELECT name, generation, policy, "
                + "policy_hash, baseline_json FROM retired_model WHERE name = ?",
            [.text(model.name)]
        )
        try connection.execute(
            "INSERT INTO attempt (name, dataset, digest, at_ms) SELECT name, dataset, digest, at_ms FROM retired_attempt "
                + "WHERE name = ?",
            [.text(model.name)]
        )
        return true
    }

    /// Refuses a name that a reader would take for that of another model.
    static func requireDistinct(_ name: String, besides own: String? = nil, _ connection: any SQLConnection) throws {
        let other = try connection.rows(
            "SELECT name FROM registered_model WHERE folded_name = ? AND name <> ? AND name <> ? LIMIT 1",
            [.text(ModelName.folded(name)), .text(name), .text(own ?? name)]
        ).first?.text(0)
        guard let other else { return }
        throw Failure(
            .alreadyExists,
            "Registered Model (name=\(name)) already exists in another spelling: '\(other)' differs only in case, "
                + "white space, invisible characters or look-alike letters.",
            hint: "use '\(other)', or a clearly different name"
        )
    }

    /// Keeps what a name gave and what guards it, for a model that gets it later.
    static func retire(_ name: String, _ connection: any SQLConnection) throws {
        try connection.execute(
            "INSERT INTO retired_model (name, last_version, generation, policy, policy_hash, baseline_json) "
                + "SELECT m.name, m.last_version, COALESCE(s.generation, 0), s.policy, s.policy_hash, s.baseline_json "
                + "FROM registered_model m LEFT JOIN slot s ON s.name = m.name WHERE m.name = ? "
                + "ON CONFLICT (name) DO UPDATE SET last_version = MAX(last_version, excluded.last_version), "
                + "generation = MAX(generation, excluded.generation), policy = excluded.policy, "
                + "policy_hash = excluded.policy_hash, baseline_json = excluded.baseline_json",
            [.text(name)]
        )
        try connection.execute(
            "INSERT INTO retired_attempt (name, dataset, digest, at_ms) SELECT name, dataset, digest, at_ms FROM attempt "
                + "WHERE name = ? ON CONFLICT DO NOTHING",
            [.text(name)]
        )
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

    private static let currentColumns =
        "v.version, v.run_id, v.path, v.created_at, v.metrics_json, v.digest, v.source_path, v.signature_json, v.problem"

    static func current(_ name: String, _ connection: any SQLConnection) throws -> CurrentModel? {
        try connection.rows(
            "SELECT COALESCE(s.generation, a.generation), \(currentColumns) FROM model_alias a "
                + "LEFT JOIN slot s ON s.name = a.name JOIN model_version v ON v.name = a.name AND v.version = a.version "
                + "WHERE a.name = ? AND a.alias = '\(currentAlias)'",
            [.text(name)]
        ).first.map { model(name, $0) }
    }

    /// The versions that served before another one, whose digest is known and that may serve, the newest first.
    static func served(before current: CurrentModel, _ connection: any SQLConnection) throws -> [CurrentModel] {
        try connection.rows(
            "SELECT h.generation, \(currentColumns) FROM slot_history h "
                + "JOIN model_version v ON v.name = h.name AND v.version = h.version "
                + "WHERE h.name = ? AND h.generation < ? AND v.version <> ? AND v.digest IS NOT NULL "
                + "AND v.problem IS NULL AND \(VersionRows.quarantine) IS NULL "
                + "ORDER BY h.generation DESC LIMIT 200",
            [.text(current.name), .integer(current.generation), .integer(current.version)]
        ).map { model(current.name, $0) }.reduce(into: []) { found, model in
            if found.count < 20, !found.contains(where: { $0.version == model.version }) { found.append(model) }
        }
    }

    private static func model(_ name: String, _ row: SQLRow) -> CurrentModel {
        var model = CurrentModel(
            name: name,
            version: row.integer(1) ?? 0,
            runID: row.text(2).map(RunID.init(stored:)),
            path: row.text(3) ?? "",
            createdAt: row.text(4) ?? "",
            metricsJSON: row.text(5),
            digest: row.text(6),
            sourcePath: row.text(7),
            generation: row.integer(0) ?? 0
        )
        model.signature = row.text(8)
        model.problem = row.text(9)
        return model
    }
}
