import BalanceCore

/// The rows of logged models.
enum LoggedModelRows {
    static let columns =
        "l.model_id, l.experiment_id, l.name, l.model_type, l.source_run_id, l.status, l.created_at_ms, "
        + "l.updated_at_ms, COALESCE(e.artifact_location, 'mlflow-artifacts:/' || e.experiment_id)"

    static let source = "logged_model l JOIN experiment e ON e.experiment_id = l.experiment_id"

    static func model(_ row: SQLRow) -> LoggedModel {
        LoggedModel(
            id: row.text(0) ?? "",
            experimentID: row.integer(1) ?? 0,
            name: row.text(2) ?? "",
            modelType: row.text(3),
            sourceRunID: row.text(4).map(RunID.init(stored:)),
            status: row.integer(5).flatMap(LoggedModel.Status.init) ?? .pending,
            createdAt: Timestamp(milliseconds: row.integer(6) ?? 0),
            updatedAt: Timestamp(milliseconds: row.integer(7) ?? 0),
            location: row.text(8) ?? ""
        )
    }

    /// One model with all that belongs to it.
    static func model(_ id: String, allowDeleted: Bool, _ connection: any SQLConnection) throws -> LoggedModel {
        let active = allowDeleted ? "" : " AND l.lifecycle_stage = 'active'"
        let rows = try connection.rows("SELECT \(columns) FROM \(source) WHERE l.model_id = ?\(active)", [.text(id)])
        guard let model = try filled(rows.map(model), connection).first else {
            throw Failure(.resourceNotFound, "Logged model with ID '\(id)' not found.")
        }
        return model
    }

    /// Adds params, tags and metrics.
    static func filled(_ models: [LoggedModel], _ connection: any SQLConnection) throws -> [LoggedModel] {
        try models.map { model in
            var model = model
            model.params = try pairs("logged_model_param", model.id, connection)
            model.tags = try pairs("logged_model_tag", model.id, connection)
            model.metrics = try metrics(model.id, connection)
            return model
        }
    }

    /// Records a point of a metric on its model, which must exist.
    static func insert(_ metric: ModelMetric, _ connection: any SQLConnection) throws {
        _ = try exists(metric.modelID, connection)
        let point = metric.point
        try connection.execute(
            "INSERT INTO logged_model_metric (model_id, run_id, key, value, is_nan, step, timestamp_ms, dataset_name, "
                + "dataset_digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [
                .text(metric.modelID), .text(metric.runID.stored), .text(point.key),
                .real(point.value.isNaN ? 0 : point.value), .integer(point.value.isNaN ? 1 : 0), .integer(point.step),
                .integer(point.timestamp.milliseconds), .text(metric.dataset?.name ?? ""),
                .text(metric.dataset?.digest ?? ""),
            ]
        )
    }

    static func upsert(_ tag: KeyValue, _ id: String, _ connection: any SQLConnection) throws {
        try connection.execute(
            "INSERT INTO logged_model_tag (model_id, key, value) VALUES (?, ?, ?) "
                + "ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value",
            [.text(id), .text(tag.key), .text(tag.value)]
        )
    }

    /// - Throws: `Failure` with code `resourceNotFound`.
    static func exists(_ id: String, _ connection: any SQLConnection) throws -> Bool {
        let rows = try connection.rows(
            "SELECT 1 FROM logged_model WHERE model_id = ? AND lifecycle_stage = 'active'",
            [.text(id)]
        )
        guard !rows.isEmpty else { throw Failure(.resourceNotFound, "Logged model with ID '\(id)' not found.") }
        return true
    }

    private static func pairs(
        _ table: String,
        _ id: String,
        _ connection: any SQLConnection
    ) throws -> [KeyValue] {
        try connection.rows("SELECT key, value FROM \(table) WHERE model_id = ? ORDER BY key", [.text(id)])
            .map { KeyValue(key: $0.text(0) ?? "", value: $0.text(1) ?? "") }
    }

    private static func metrics(_ id: String, _ connection: any SQLConnection) throws -> [ModelMetric] {
        try connection.rows(
            "SELECT key, value, is_nan, timestamp_ms, step, run_id, dataset_name, dataset_digest "
                + "FROM logged_model_metric WHERE model_id = ? ORDER BY seq",
            [.text(id)]
        ).map { row in
            let name = row.text(6) ?? ""
            return ModelMetric(
                point: MetricPoint(
                    key: row.text(0) ?? "",
                    value: RunRows.value(row, 1),
                    timestamp: Timestamp(milliseconds: row.integer(3) ?? 0),
                    step: row.integer(4) ?? 0
                ),
                modelID: id,
                runID: RunID(stored: row.text(5) ?? ""),
                dataset: name.isEmpty ? nil : DatasetReference(name: name, digest: row.text(7))
            )
        }
    }
}
