import BalanceSystem
package import BalanceCore

/// Writes the records of an import into an SQL database.
package struct SQLTransferStore: TransferStore {
    let database: any SQLDatabase
    let root: String
    /// Signs the lines of the audit trail that an import adds.
    let key: AuditKey?

    /// - Parameters:
    ///   - database: What is read and written.
    ///   - root: The artifact root, whose name is left out of recorded paths.
    ///   - key: Signs the lines of the audit trail.
    package init(database: any SQLDatabase, root: String, key: AuditKey? = nil) {
        self.key = key
        self.database = database
        self.root = root
    }

    package func experiment(for record: TransferRecord.ExperimentRecord) async throws -> Int {
        try await database.write { connection in
            let rows = try connection.rows("SELECT experiment_id FROM experiment WHERE name = ?", [.text(record.name)])
            if let id = rows.first?.integer(0) { return id }
            let wanted = Int(record.id).flatMap { $0 > 0 ? $0 : nil }
            let taken = try connection.rows(
                "SELECT 1 FROM experiment WHERE experiment_id = ?",
                [.optional(wanted)]
            )
            let id =
                try taken.isEmpty
                ? wanted ?? SQLTrackingStore.nextExperimentID(connection)
                : SQLTrackingStore.nextExperimentID(connection)
            try connection.execute(
                "INSERT INTO experiment (experiment_id, name, lifecycle_stage, artifact_location, created_at_ms, "
                    + "updated_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    .integer(id), .text(record.name), .text(record.isDeleted ? "deleted" : "active"),
                    .optional(record.location), .integer(record.createdAt), .integer(record.updatedAt),
                ]
            )
            try connection.execute(
                "UPDATE counter SET last = ? WHERE name = 'experiment' AND last < ?",
                [.integer(id), .integer(id)]
            )
            try Self.insert(record.tags, into: "experiment_tag", "experiment_id", .integer(id), connection)
            return id
        }
    }

    package func hasRun(_ id: RunID) async throws -> Bool {
        try await exists("SELECT 1 FROM run WHERE run_id = ?", id.stored)
    }

    package func insert(
        _ run: TransferRecord.RunRecord,
        points: [MetricPoint],
        experiment: Int
    ) async throws {
        let root = self.root
        try await database.write { connection in
            try Self.insert(run, experiment: experiment, connection)
            let id = SQLValue.text(run.id)
            let row = SQLValue.integer(try RunRows.sequence(of: run.id, connection))
            try Self.insert(run.params, into: "param", "run_seq", row, connection)
            try Self.insert(run.tags, into: "tag", "run_seq", row, connection)
            try RunRows.insert(points, of: run.id, connection)
            for input in run.inputs { try SQLTrackingStore.insert(input.input, of: RunID(stored: run.id), connection) }
            for model in run.modelInputs {
                try connection.execute(
                    "INSERT INTO run_model_input (run_id, model_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    [id, .text(model)]
                )
            }
            for output in run.outputs {
                try connection.execute(
                    "INSERT INTO run_model_output (run_id, model_id, step) VALUES (?, ?, ?)",
                    [id, .text(output.model), .integer(output.step)]
                )
            }
            for file in run.recorded {
                let path = file.value.hasPrefix("/") ? file.value : "\(root)/\(file.value)"
                try RunRows.insert(ArtifactRecord(kind: file.key, path: path), of: run.id, connection)
            }
        }
    }

    package func hasLoggedModel(_ id: String) async throws -> Bool {
        try await exists("SELECT 1 FROM logged_model WHERE model_id = ?", id)
    }

    package func insert(_ model: TransferRecord.LoggedModelRecord, experiment: Int) async throws {
        try await database.write { connection in
            try connection.execute(
                "INSERT INTO logged_model (model_id, experiment_id, name, model_type, source_run_id, status, "
                    + "lifecycle_stage, created_at_ms, updated_at_ms, deleted_time_ms) "
                    + "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    .text(model.id), .integer(experiment), .text(model.name), .optional(model.modelType),
                    .optional(model.sourceRun), .integer(model.status),
                    .text(model.isDeleted ? "deleted" : "active"), .integer(model.createdAt),
                    .integer(model.updatedAt), .optional(model.isDeleted ? model.updatedAt : nil),
                ]
            )
            try Self.insert(model.params, into: "logged_model_param", "model_id", .text(model.id), connection)
            try Self.insert(model.tags, into: "logged_model_tag", "model_id", .text(model.id), connection)
            for point in model.metrics {
                guard let run = point.run,
                    try !connection.rows("SELECT 1 FROM run WHERE run_id = ?", [.text(run)]).isEmpty
                else { continue }
                let dataset = point.dataset.map { DatasetReference(name: $0, digest: point.digest) }
                try LoggedModelRows.insert(
                    ModelMetric(point: point.point, modelID: model.id, runID: RunID(stored: run), dataset: dataset),
                    connection
                )
            }
        }
    }

    package func insert(_ model: TransferRecord.ModelRecord) async throws {
        try await AuditWriter(database: database, key: key).write { connection in
            let fresh = RegisteredModel(
                name: model.name,
                description: model.description,
                createdAt: Timestamp(milliseconds: model.createdAt),
                updatedAt: Timestamp(milliseconds: model.updatedAt)
            )
            guard try RegistryRows.create(fresh, connection) else { return }
            try connection.execute(
                "UPDATE registered_model SET last_version = MAX(last_version, ?) WHERE name = ?",
                [.integer(model.lastVersion), .text(model.name)]
            )
            try Self.insert(model.tags, into: "registered_model_tag", "name", .text(model.name), connection)
            for tag in model.tags where CaseRows.isRole(tag.key) {
                let what = "\(tag.key) = \(tag.value)"
                try connection.note(.roleChanged, model.name, what, by: Actor(name: "import"), at: .now())
            }
        }
    }

    package func insert(_ version: TransferRecord.VersionRecord) async throws -> Bool {
        let root = self.root
        return try await database.write { connection in
            let created = Timestamp(milliseconds: version.createdAt)
            let candidate = version.candidate.map { $0.hasPrefix("/") ? $0 : "\(root)/\($0)" }
            let count = try connection.execute(
                "INSERT INTO model_version (name, version, run_id, path, candidate_path, metrics_json, stage, created_at, "
                    + "created_at_ms, updated_at_ms, source, model_id, run_link, description, storage) "
                    + "VALUES (?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [
                    .text(version.name), .integer(version.version), .optional(version.run), .optional(candidate),
                    .optional(version.metricsJSON), .text(version.stage == "current" ? "candidate" : version.stage),
                    .text(created.iso8601), .integer(version.createdAt), .integer(version.updatedAt),
                    .optional(version.source), .optional(version.loggedModel), .optional(version.runLink),
                    .optional(version.description), .optional(version.storage),
                ]
            )
            guard count == 1 else { return false }
            try connection.execute(
                "UPDATE registered_model SET last_version = ? WHERE name = ? AND last_version < ?",
                [.integer(version.version), .text(version.name), .integer(version.version)]
            )
            let metrics = try VersionRows.version(version.version, of: version.name, connection).metrics
            try SnapshotRows.take(version.name, version.version, metrics: metrics, connection)
            for tag in version.tags {
                try connection.execute(
                    "INSERT INTO model_version_tag (name, version, key, value) VALUES (?, ?, ?, ?)",
                    [.text(version.name), .integer(version.version), .text(tag.key), .text(tag.value)]
                )
            }
            return true
        }
    }

    package func setTimes(of model: String, _ updatedAt: Int, versions: [Int: Int]) async throws {
        try await database.write { connection in
            try connection.execute(
                "UPDATE registered_model SET updated_at_ms = ? WHERE name = ?",
                [.integer(updatedAt), .text(model)]
            )
            for (version, moment) in versions {
                try connection.execute(
                    "UPDATE model_version SET updated_at_ms = ? WHERE name = ? AND version = ?",
                    [.integer(moment), .text(model), .integer(version)]
                )
            }
        }
    }

    private func exists(_ sql: String, _ id: String) async throws -> Bool {
        try await database.read { try !$0.rows(sql, [.text(id)]).isEmpty }
    }

    private static func insert(
        _ pairs: [TransferRecord.Pair],
        into table: String,
        _ column: String,
        _ id: SQLValue,
        _ connection: any SQLConnection
    ) throws {
        for pair in pairs {
            try connection.execute(
                "INSERT INTO \(table) (\(column), key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [id, .text(pair.key), .text(pair.value)]
            )
        }
    }

    private static func insert(
        _ run: TransferRecord.RunRecord,
        experiment: Int,
        _ connection: any SQLConnection
    ) throws {
        let started = Timestamp(milliseconds: run.startedAt)
        let status = RunStatus(rawValue: run.status) ?? .finished
        try connection.execute(
            "INSERT INTO run (run_id, experiment_id, name, kind, status, lifecycle_stage, created_at, start_time_ms, "
                + "end_time_ms, deleted_time_ms, user_id, git_commit, git_branch, git_dirty, params_json, note, "
                + "run_dir_name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                .text(run.id), .integer(experiment), .optional(run.name), .optional(run.kind), .text(status.rawValue),
                .text(run.isDeleted ? "deleted" : "active"), .text(run.createdAt ?? started.iso8601),
                .integer(run.startedAt), .optional(run.endedAt), .optional(run.deletedAt), .optional(run.userID),
                .optional(run.gitCommit), .optional(run.gitBranch), .optional(run.gitDirty.map { $0 ? 1 : 0 }),
                .optional(run.paramsJSON), .optional(run.note), .optional(run.directoryName),
            ]
        )
    }
}
