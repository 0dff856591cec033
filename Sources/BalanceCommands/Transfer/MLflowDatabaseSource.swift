import BalanceCore
import BalanceStore

/// An MLflow tracking database (`mlflow.db`), with the files that it names on this machine's disk.
///
/// Tables and columns that an older release does not have are left out.
struct MLflowDatabaseSource: TransferSource {
    private let database: ForeignSQLite
    private let files: LocalFiles

    init(path: String, files: LocalFiles) throws {
        database = try ForeignSQLite(path: path)
        self.files = files
        guard try database.columns(of: "runs").contains("run_uuid") else {
            throw Failure(
                .invalidArgument,
                "\(path) is not an MLflow database",
                hint: "pass an mlflow.db, an mlruns folder or a server URL with --from"
            )
        }
    }

    func runCount() async throws -> Int { try database.rows("SELECT COUNT(*) FROM runs").first?.integer(0) ?? 0 }

    func read(into importer: Importer) async throws {
        try await experiments(importer)
        try await runs(importer)
        try await loggedModels(importer)
        try await registry(importer)
    }

    /// Rows of a table with some columns, NULL for those that it does not have; none where the table is missing.
    private func rows(
        _ table: String,
        _ columns: [String],
        _ suffix: String = "",
        _ id: String? = nil
    ) throws -> [SQLRow] {
        let known = try database.columns(of: table)
        guard !known.isEmpty else { return [] }
        let list = columns.map { known.contains($0) ? $0 : "NULL AS \($0)" }.joined(separator: ", ")
        return try database.rows("SELECT \(list) FROM \(table) \(suffix)", id.map { [.text($0)] } ?? [])
    }

    private func pairs(
        _ table: String,
        _ key: String,
        _ value: String,
        _ suffix: String,
        _ id: String
    ) throws
        -> [TransferRecord.Pair]
    {
        try rows(table, [key, value], suffix, id).map { .init($0.text(0) ?? "", $0.text(1) ?? "") }
    }

    private func experiments(_ importer: Importer) async throws {
        let columns = [
            "experiment_id", "name", "artifact_location", "lifecycle_stage", "creation_time", "last_update_time",
        ]
        for row in try rows("experiments", columns, "ORDER BY experiment_id") {
            let id = row.text(0) ?? ""
            var record = TransferRecord.ExperimentRecord(id: id, name: row.text(1) ?? id)
            record.location = LocalFiles.objectStore(row.text(2))
            record.isDeleted = row.text(3) == "deleted"
            record.createdAt = row.integer(4) ?? 0
            record.updatedAt = row.integer(5) ?? record.createdAt
            record.tags = try pairs("experiment_tags", "key", "value", "WHERE experiment_id = ?", id)
            try await importer.experiment(record)
        }
    }

    private func runs(_ importer: Importer) async throws {
        let columns = [
            "run_uuid", "experiment_id", "name", "user_id", "status", "start_time", "end_time", "lifecycle_stage",
            "deleted_time", "artifact_uri",
        ]
        for row in try rows("runs", columns, "ORDER BY start_time, run_uuid") {
            let id = row.text(0) ?? ""
            var run = TransferRecord.RunRecord(id: id, experiment: row.text(1) ?? "0")
            run.name = row.text(2).flatMap { $0.isEmpty ? nil : $0 }
            run.userID = row.text(3)
            run.status = row.text(4) ?? RunStatus.finished.rawValue
            run.startedAt = row.integer(5) ?? 0
            run.endedAt = row.integer(6)
            run.isDeleted = row.text(7) == "deleted"
            run.deletedAt = row.integer(8)
            run.params = try pairs("params", "key", "value", "WHERE run_uuid = ?", id)
            run.tags = try pairs("tags", "key", "value", "WHERE run_uuid = ?", id)
            if run.name == nil { run.name = run.tags.first { $0.key == runNameTag }?.value }
            run.inputs = try inputs(of: id)
            run.modelInputs = try links("MODEL", to: id)
            run.outputs = try outputs(of: id)
            try await importer.run(run)
            try await points(of: id, importer)
            try await bring(row.text(9), .run, id, importer)
        }
    }

    private func inputs(of run: String) throws -> [TransferRecord.DatasetRecord] {
        guard try !database.columns(of: "inputs").isEmpty else { return [] }
        return try database.rows(
            "SELECT d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, d.dataset_profile, "
                + "i.input_uuid FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id "
                + "WHERE i.destination_id = ? AND i.source_type = 'DATASET' ORDER BY d.name, d.digest",
            [.text(run)]
        ).map { row in
            let tags = try pairs("input_tags", "name", "value", "WHERE input_uuid = ?", row.text(6) ?? "")
            return .init(
                DatasetInput(
                    name: row.text(0) ?? "",
                    digest: row.text(1) ?? "",
                    sourceType: row.text(2) ?? "",
                    source: row.text(3) ?? "",
                    schema: row.text(4),
                    profile: row.text(5),
                    tags: tags.map { KeyValue(key: $0.key, value: $0.value) }
                )
            )
        }
    }

    private func links(_ type: String, to run: String) throws -> [String] {
        let suffix =
            "WHERE destination_id = ? AND source_type = '\(type)_INPUT' OR destination_id = ?1 AND source_type = '\(type)'"
        return try rows("inputs", ["source_id"], suffix, run).compactMap { $0.text(0) }
    }

    private func outputs(of run: String) throws -> [TransferRecord.OutputRecord] {
        let suffix = "WHERE source_id = ? AND destination_type = 'MODEL_OUTPUT'"
        return try rows("inputs", ["destination_id", "step"], suffix, run)
            .map { .init(model: $0.text(0) ?? "", step: $0.integer(1) ?? 0) }
    }

    private func points(of run: String, _ importer: Importer) async throws {
        guard await importer.wants(run) else { return }
        let columns = ["key", "value", "is_nan", "timestamp", "step"]
        let found = try rows("metrics", columns, "WHERE run_uuid = ? ORDER BY timestamp, step, key", run)
        await importer.points(
            found.map { row in
                MetricPoint(
                    key: row.text(0) ?? "",
                    value: Self.value(row),
                    timestamp: Timestamp(milliseconds: row.integer(3) ?? 0),
                    step: row.integer(4) ?? 0
                )
            }
        )
    }

    /// MLflow stores an infinity as the largest number.
    private static func value(_ row: SQLRow) -> Double {
        if row.integer(2) == 1 { return .nan }
        let value = row.real(1) ?? .nan
        if value == .greatestFiniteMagnitude { return .infinity }
        return value == -.greatestFiniteMagnitude ? -.infinity : value
    }

    private func loggedModels(_ importer: Importer) async throws {
        let columns = [
            "model_id", "experiment_id", "name", "model_type", "source_run_id", "status", "lifecycle_stage",
            "creation_timestamp_ms", "last_updated_timestamp_ms", "artifact_location",
        ]
        for row in try rows("logged_models", columns, "ORDER BY creation_timestamp_ms, model_id") {
            let id = row.text(0) ?? ""
            var model = TransferRecord.LoggedModelRecord(
                id: id,
                experiment: row.text(1) ?? "0",
                name: row.text(2) ?? id
            )
            model.modelType = row.text(3)
            model.sourceRun = row.text(4)
            model.status = row.integer(5) ?? 2
            model.isDeleted = row.text(6) == "deleted"
            model.createdAt = row.integer(7) ?? 0
            model.updatedAt = row.integer(8) ?? model.createdAt
            model.params = try pairs("logged_model_params", "param_key", "param_value", "WHERE model_id = ?", id)
            model.tags = try pairs("logged_model_tags", "tag_key", "tag_value", "WHERE model_id = ?", id)
            model.metrics = try metrics(ofModel: id)
            try await importer.loggedModel(model)
            try await bring(row.text(9), .loggedModel, id, importer)
        }
    }

    private func metrics(ofModel id: String) throws -> [TransferRecord.PointRecord] {
        let columns = [
            "metric_name", "metric_value", "metric_timestamp_ms", "metric_step", "run_id", "dataset_name",
            "dataset_digest",
        ]
        return try rows("logged_model_metrics", columns, "WHERE model_id = ?", id).map { row in
            var point = TransferRecord.PointRecord(
                MetricPoint(
                    key: row.text(0) ?? "",
                    value: row.real(1) ?? .nan,
                    timestamp: Timestamp(milliseconds: row.integer(2) ?? 0),
                    step: row.integer(3) ?? 0
                )
            )
            point.run = row.text(4)
            point.dataset = row.text(5)
            point.digest = row.text(6)
            return point
        }
    }

    private func registry(_ importer: Importer) async throws {
        let columns = ["name", "description", "creation_time", "last_updated_time"]
        for row in try rows("registered_models", columns, "ORDER BY name") {
            var model = TransferRecord.ModelRecord(name: row.text(0) ?? "")
            model.description = row.text(1)
            model.createdAt = row.integer(2) ?? 0
            model.updatedAt = row.integer(3) ?? model.createdAt
            model.tags = try pairs("registered_model_tags", "key", "value", "WHERE name = ?", model.name)
            try await importer.model(model)
        }
        for row in try rows("model_versions", Self.versionColumns, "ORDER BY name, version") {
            if row.text(5) == "Deleted_Internal" { continue }
            try await importer.version(version(row))
            if row.text(5) == "Production" {
                try await importer.alias(
                    .init(name: row.text(0) ?? "", alias: currentAlias, version: row.integer(1) ?? 0)
                )
            }
        }
        for row in try rows("registered_model_aliases", ["name", "alias", "version"], "ORDER BY name, alias") {
            let alias = row.text(1) ?? ""
            try await importer.alias(.init(name: row.text(0) ?? "", alias: alias, version: row.integer(2) ?? 0))
        }
    }

    private static let versionColumns = [
        "name", "version", "creation_time", "last_updated_time", "description", "current_stage", "source", "run_id",
        "run_link",
    ]

    private func version(_ row: SQLRow) throws -> TransferRecord.VersionRecord {
        var version = TransferRecord.VersionRecord(name: row.text(0) ?? "", version: row.integer(1) ?? 0)
        version.createdAt = row.integer(2) ?? 0
        version.updatedAt = row.integer(3) ?? version.createdAt
        version.description = row.text(4)
        version.stage = (row.text(5).flatMap { VersionStage(mlflow: $0) } ?? .candidate).rawValue
        version.source = row.text(6)
        version.run = row.text(7).flatMap { $0.isEmpty ? nil : $0 }
        version.runLink = row.text(8)
        version.loggedModel = version.source?.dropPrefix("models:/").flatMap { $0.hasPrefix("m-") ? $0 : nil }
        version.tags =
            try database.columns(of: "model_version_tags").isEmpty
            ? []
            : database.rows(
                "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ? ORDER BY key",
                [.text(version.name), .integer(version.version)]
            ).map { .init($0.text(0) ?? "", $0.text(1) ?? "") }
        return version
    }

    private func bring(
        _ uri: String?,
        _ owner: TransferRecord.StoredFileRecord.Owner,
        _ id: String,
        _ importer: Importer
    ) async throws {
        guard let uri, await importer.wants(id) else { return }
        guard let folder = files.folder(uri) else {
            return await importer.skip("artifacts of \(id)", "they are at \(uri), which is not on this machine")
        }
        try await LocalFiles.bring(folder, of: owner, id, to: importer)
    }
}
