package import BalanceCore

extension SQLTrackingStore: LoggedModelStore {
    package func createLoggedModel(_ model: LoggedModel) async throws -> LoggedModel {
        try await database.write { connection in
            try Self.requireActive(model.experimentID, connection)
            try connection.execute(
                "INSERT INTO logged_model (model_id, experiment_id, name, model_type, source_run_id, status, "
                    + "created_at_ms, updated_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    .text(model.id), .integer(model.experimentID), .text(model.name), .optional(model.modelType),
                    .optional(model.sourceRunID?.stored), .integer(model.status.rawValue),
                    .integer(model.createdAt.milliseconds), .integer(model.updatedAt.milliseconds),
                ]
            )
            for tag in model.tags { try LoggedModelRows.upsert(tag, model.id, connection) }
            try Self.insert(model.params, model: model.id, connection)
            return try LoggedModelRows.model(model.id, allowDeleted: false, connection)
        }
    }

    package func loggedModel(_ id: String, allowDeleted: Bool) async throws -> LoggedModel {
        try await database.read { try LoggedModelRows.model(id, allowDeleted: allowDeleted, $0) }
    }

    package func setStatus(
        _ status: LoggedModel.Status,
        ofLoggedModel id: String,
        at moment: Timestamp
    ) async throws -> LoggedModel {
        try await change(id, at: moment) { connection in
            try connection.execute(
                "UPDATE logged_model SET status = ? WHERE model_id = ?",
                [.integer(status.rawValue), .text(id)]
            )
            return try LoggedModelRows.model(id, allowDeleted: false, connection)
        }
    }

    package func deleteLoggedModel(_ id: String, at moment: Timestamp) async throws {
        try await database.write { connection in
            let count = try connection.execute(
                "UPDATE logged_model SET lifecycle_stage = 'deleted', deleted_time_ms = ? WHERE model_id = ?",
                [.integer(moment.milliseconds), .text(id)]
            )
            if count == 0 { throw Failure(.resourceNotFound, "Logged model with ID '\(id)' not found.") }
        }
    }

    package func setTags(_ tags: [KeyValue], ofLoggedModel id: String, at moment: Timestamp) async throws {
        try await change(id, at: moment) { connection in
            for tag in tags { try LoggedModelRows.upsert(tag, id, connection) }
        }
    }

    package func deleteTag(_ key: String, ofLoggedModel id: String, at moment: Timestamp) async throws {
        try await change(id, at: moment) { connection in
            let count = try connection.execute(
                "DELETE FROM logged_model_tag WHERE model_id = ? AND key = ?",
                [.text(id), .text(key)]
            )
            if count == 0 {
                throw Failure(.resourceNotFound, "No tag with key '\(key)' found for model with ID '\(id)'.")
            }
        }
    }

    package func addParams(_ params: [KeyValue], toLoggedModel id: String, at moment: Timestamp) async throws {
        try await change(id, at: moment) { try Self.insert(params, model: id, $0) }
    }

    package func searchLoggedModels(_ search: LoggedModelSearch) async throws -> Page<LoggedModel> {
        guard !search.experimentIDs.isEmpty else { return Page(items: []) }
        var builder = LoggedModelSQL(datasets: search.datasets)
        let places = repeatElement("?", count: search.experimentIDs.count).joined(separator: ", ")
        var condition = "l.lifecycle_stage = 'active' AND l.experiment_id IN (\(places))"
        if !search.datasets.isEmpty { condition += " AND \(builder.measured())" }
        if let filter = search.filter { condition += " AND \(try builder.condition(filter))" }
        let visible = VisibleSQL.experiment(
            "(SELECT x.name FROM experiment x WHERE x.experiment_id = l.experiment_id)"
        )
        condition += " AND \(visible.condition)"
        let sql = PagedSQL(
            columns: LoggedModelRows.columns,
            source: LoggedModelRows.source,
            condition: condition,
            arguments: search.experimentIDs.map(SQLValue.integer) + builder.arguments + visible.arguments,
            order: try builder.order(search.order)
        )
        return try await database.read { connection in
            let page = try sql.page(limit: search.limit, after: search.after, connection).map(LoggedModelRows.model)
            return Page(items: try LoggedModelRows.filled(page.items, connection), next: page.next)
        }
    }

    /// Changes an active model and says when.
    @discardableResult
    private func change<Value: Sendable>(
        _ id: String,
        at moment: Timestamp,
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await database.write { connection in
            _ = try LoggedModelRows.exists(id, connection)
            try connection.execute(
                "UPDATE logged_model SET updated_at_ms = ? WHERE model_id = ?",
                [.integer(moment.milliseconds), .text(id)]
            )
            return try body(connection)
        }
    }

    private static func insert(_ params: [KeyValue], model id: String, _ connection: any SQLConnection) throws {
        for param in params {
            let count = try connection.execute(
                "INSERT INTO logged_model_param (model_id, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [.text(id), .text(param.key), .text(param.value)]
            )
            if count == 0 {
                throw Failure(
                    .invalidParameter,
                    "The param '\(param.key)' of the logged model '\(id)' is already set and cannot be changed."
                )
            }
        }
    }
}
