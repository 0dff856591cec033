package import BalanceCore

extension SQLTrackingStore {
    package func createExperiment(
        name: String,
        location: String?,
        tags: [KeyValue],
        at moment: Timestamp
    ) async throws -> Int {
        try await database.write { connection in
            if try Self.experiments(connection, where: "name = ?", [.text(name)]).first != nil {
                throw Failure(.alreadyExists, "Experiment(name=\(name)) already exists.")
            }
            let id = try Self.nextExperimentID(connection)
            try connection.execute(
                "INSERT INTO experiment (experiment_id, name, artifact_location, created_at_ms, updated_at_ms) "
                    + "VALUES (?, ?, ?, ?, ?)",
                [
                    .integer(id), .text(name), .optional(location), .integer(moment.milliseconds),
                    .integer(moment.milliseconds),
                ]
            )
            for tag in tags { try Self.upsert(tag, experiment: id, connection) }
            return id
        }
    }

    package func experiment(_ id: Int) async throws -> Experiment? {
        try await database.read { try Self.experiments($0, where: "experiment_id = ?", [.integer(id)]).first }
    }

    package func experiment(named name: String) async throws -> Experiment? {
        try await database.read { try Self.experiments($0, where: "name = ?", [.text(name)]).first }
    }

    package func renameExperiment(_ id: Int, to name: String, at moment: Timestamp) async throws {
        try await database.write { connection in
            try Self.requireActive(id, connection)
            let other = try Self.experiments(connection, where: "name = ?", [.text(name)]).first
            if let other, other.id != id { throw Failure(.alreadyExists, "Experiment(name=\(name)) already exists.") }
            try connection.execute(
                "UPDATE experiment SET name = ?, updated_at_ms = ? WHERE experiment_id = ?",
                [.text(name), .integer(moment.milliseconds), .integer(id)]
            )
        }
    }

    package func setStage(
        _ stage: LifecycleStage,
        ofExperiment id: Int,
        by actor: Actor,
        at moment: Timestamp
    ) async throws {
        try await audit.write { connection in
            let experiment = try Self.require(id, connection)
            guard experiment.stage != stage else { throw Self.missing(id) }
            try connection.execute(
                "UPDATE experiment SET lifecycle_stage = ?, updated_at_ms = ? WHERE experiment_id = ?",
                [.text(stage.rawValue), .integer(moment.milliseconds), .integer(id)]
            )
            try connection.execute(
                "UPDATE run SET lifecycle_stage = ?, deleted_time_ms = ? WHERE experiment_id = ?",
                [.text(stage.rawValue), .optional(stage == .deleted ? moment.milliseconds : nil), .integer(id)]
            )
            let action: AuditAction = stage == .deleted ? .experimentDeleted : .experimentRestored
            try connection.note(action, "experiment \(id)", experiment.name, by: actor, at: moment)
        }
    }

    package func setTag(_ tag: KeyValue, ofExperiment id: Int) async throws {
        try await database.write { connection in
            try Self.requireActive(id, connection)
            try Self.upsert(tag, experiment: id, connection)
        }
    }

    package func deleteTag(_ key: String, ofExperiment id: Int) async throws {
        try await database.write { connection in
            try Self.requireActive(id, connection)
            let count = try connection.execute(
                "DELETE FROM experiment_tag WHERE experiment_id = ? AND key = ?",
                [.integer(id), .text(key)]
            )
            if count == 0 { throw Failure(.resourceNotFound, "No tag with name: \(key) in experiment with id \(id)") }
        }
    }

    package func experiments(_ query: SearchQuery) async throws -> Page<Experiment> {
        var builder = EntitySQL(.experiment)
        var conditions = try query.filter.map { [try builder.condition($0)] } ?? []
        if query.view != .all {
            conditions.append("e.lifecycle_stage = '\(query.view == .activeOnly ? "active" : "deleted")'")
        }
        let visible = VisibleSQL.experiment("e.name")
        conditions.append(visible.condition)
        let sql = PagedSQL(
            columns: Self.experimentColumns,
            source: "experiment e",
            condition: conditions.joined(separator: " AND "),
            arguments: builder.arguments + visible.arguments,
            order: try builder.order(query.order)
        )
        return try await database.read { connection in
            try sql.page(limit: query.limit, after: query.after, connection)
                .map { try Self.experiment($0, connection) }
        }
    }

    // MARK: - Rows

    /// A number that no experiment ever had.
    static func nextExperimentID(_ connection: any SQLConnection) throws -> Int {
        let rows = try connection.rows("UPDATE counter SET last = last + 1 WHERE name = 'experiment' RETURNING last")
        guard let id = rows.first?.integer(0) else { throw Failure(.internalError, "Unexpected server error.") }
        return id
    }

    private static let experimentColumns =
        "e.experiment_id, e.name, e.lifecycle_stage, e.artifact_location, e.created_at_ms, e.updated_at_ms"

    private static func experiments(
        _ connection: any SQLConnection,
        where condition: String,
        _ arguments: [SQLValue]
    ) throws -> [Experiment] {
        try connection.rows("SELECT \(experimentColumns) FROM experiment e WHERE \(condition)", arguments)
            .map { try experiment($0, connection) }
    }

    private static func experiment(_ row: SQLRow, _ connection: any SQLConnection) throws -> Experiment {
        let id = row.integer(0) ?? 0
        let tags = try connection.rows(
            "SELECT key, value FROM experiment_tag WHERE experiment_id = ? ORDER BY key",
            [.integer(id)]
        )
        return Experiment(
            id: id,
            name: row.text(1) ?? "",
            stage: row.text(2).flatMap(LifecycleStage.init) ?? .active,
            location: row.text(3),
            createdAt: Timestamp(milliseconds: row.integer(4) ?? 0),
            updatedAt: Timestamp(milliseconds: row.integer(5) ?? 0),
            tags: tags.map { KeyValue(key: $0.text(0) ?? "", value: $0.text(1) ?? "") }
        )
    }

    static func require(_ id: Int, _ connection: any SQLConnection) throws -> Experiment {
        guard let experiment = try experiments(connection, where: "experiment_id = ?", [.integer(id)]).first else {
            throw missing(id)
        }
        return experiment
    }

    @discardableResult
    static func requireActive(_ id: Int, _ connection: any SQLConnection) throws -> Experiment {
        let experiment = try require(id, connection)
        guard experiment.stage == .active else {
            throw Failure(
                .invalidParameter,
                "The experiment \(id) must be in the 'active' state. Current state is deleted."
            )
        }
        return experiment
    }

    private static func missing(_ id: Int) -> Failure {
        Failure(.resourceNotFound, "No Experiment with id=\(id) exists")
    }

    private static func upsert(_ tag: KeyValue, experiment id: Int, _ connection: any SQLConnection) throws {
        try connection.execute(
            "INSERT INTO experiment_tag (experiment_id, key, value) VALUES (?, ?, ?) "
                + "ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value",
            [.integer(id), .text(tag.key), .text(tag.value)]
        )
    }
}
