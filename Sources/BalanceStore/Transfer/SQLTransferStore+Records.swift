package import BalanceCore

extension SQLTransferStore {
    /// How many points a line holds at most.
    private static let pointsPerLine = 5000

    package func records(_ body: @escaping @Sendable (TransferRecord) throws -> Void) async throws {
        let root = self.root
        // One read is one state of the database, whatever is written meanwhile.
        try await database.read { connection in
            try Self.experiments(connection, body)
            try Self.runs(connection, root, body)
            try Self.loggedModels(connection, body)
            try Self.registry(connection, root, body)
        }
    }

    private typealias Body = @Sendable (TransferRecord) throws -> Void

    private static func experiments(_ connection: any SQLConnection, _ body: Body) throws {
        let rows = try connection.rows(
            "SELECT experiment_id, name, artifact_location, lifecycle_stage, created_at_ms, updated_at_ms "
                + "FROM experiment ORDER BY experiment_id"
        )
        for row in rows {
            var record = TransferRecord.ExperimentRecord(id: row.text(0) ?? "", name: row.text(1) ?? "")
            record.location = row.text(2)
            record.isDeleted = row.text(3) == "deleted"
            record.createdAt = row.integer(4) ?? 0
            record.updatedAt = row.integer(5) ?? 0
            record.tags = try pairs("experiment_tag", "experiment_id", .optional(row.integer(0)), connection)
            try body(TransferRecord(experiment: record))
        }
    }

    private static func runs(_ connection: any SQLConnection, _ root: String, _ body: Body) throws {
        let rows = try connection.rows(
            "SELECT run_id, experiment_id, name, kind, status, lifecycle_stage, created_at, start_time_ms, end_time_ms, "
                + "deleted_time_ms, user_id, git_commit, git_branch, git_dirty, params_json, note, run_dir_name, seq "
                + "FROM run ORDER BY seq"
        )
        for row in rows {
            var run = TransferRecord.RunRecord(id: row.text(0) ?? "", experiment: row.text(1) ?? "0")
            run.name = row.text(2)
            run.kind = row.text(3)
            run.status = row.text(4) ?? ""
            run.isDeleted = row.text(5) == "deleted"
            run.createdAt = row.text(6)
            run.startedAt = row.integer(7) ?? 0
            run.endedAt = row.integer(8)
            run.deletedAt = row.integer(9)
            run.userID = row.text(10)
            run.gitCommit = row.text(11)
            run.gitBranch = row.text(12)
            run.gitDirty = row.integer(13).map { $0 != 0 }
            run.paramsJSON = row.text(14)
            run.note = row.text(15)
            run.directoryName = row.text(16)
            let id = SQLValue.text(run.id)
            let sequence = SQLValue.optional(row.integer(17))
            run.params = try pairs("param", "run_seq", sequence, connection)
            run.tags = try pairs("tag", "run_seq", sequence, connection)
            run.inputs = try (SQLTrackingStore.inputs(of: [id], connection)[run.id] ?? []).map { .init($0) }
            run.modelInputs = try SQLTrackingStore.modelInputs(of: [id], connection)[run.id] ?? []
            run.outputs = try (SQLTrackingStore.outputs(of: [id], connection)[run.id] ?? [])
                .map { .init(model: $0.modelID, step: $0.step) }
            run.recorded = try connection.rows(
                "SELECT kind, path FROM run_artifact WHERE run_id = ? ORDER BY seq",
                [id]
            ).map { .init($0.text(0) ?? "", relative($0.text(1) ?? "", root)) }
            try body(TransferRecord(run: run))
            try points(of: run.id, connection, body)
            try artifacts(.run, run.id, "\(run.experiment)/\(run.id)/artifacts", connection, body)
            for file in run.recorded where !file.value.hasPrefix("/") {
                try body(TransferRecord(artifact: .init(owner: .root, id: run.id, path: file.value)))
            }
            for path in pointers(of: run) {
                try body(TransferRecord(artifact: .init(owner: .root, id: run.id, path: path)))
            }
        }
    }

    /// The files that `balanceops` itself writes of a run, besides what it records.
    private static func pointers(of run: TransferRecord.RunRecord) -> [String] {
        guard let name = run.directoryName, FileSystem.isFileName(name) else { return [] }
        return ["runs/\(name)/manifest.json", "runs/_by_id/\(RunID(stored: run.id).native).json"]
    }

    private static func points(of run: String, _ connection: any SQLConnection, _ body: Body) throws {
        let sequence = try RunRows.sequence(of: run, connection)
        let order = "key_id, timestamp_ms, step, value, is_nan"
        // Less than any point: keys are numbered from 1.
        var last: [SQLValue] = [.integer(0), .integer(0), .integer(0), .real(0), .integer(0)]
        while true {
            let rows = try connection.rows(
                "SELECT (SELECT k.key FROM metric_key k WHERE k.key_id = m.key_id), \(order) FROM metric m "
                    + "WHERE run_seq = ? AND (\(order)) > (?, ?, ?, ?, ?) ORDER BY \(order) LIMIT ?",
                [.integer(sequence)] + last + [.integer(pointsPerLine)]
            )
            guard let end = rows.last else { return }
            last = Array(end.values.dropFirst())
            let points = rows.map { row in
                TransferRecord.PointRecord(
                    MetricPoint(
                        key: row.text(0) ?? "",
                        value: RunRows.value(row, 4),
                        timestamp: Timestamp(milliseconds: row.integer(2) ?? 0),
                        step: row.integer(3) ?? 0
                    )
                )
            }
            try body(TransferRecord(metrics: .init(run: run, points: points)))
        }
    }

    private static func artifacts(
        _ owner: TransferRecord.StoredFileRecord.Owner,
        _ id: String,
        _ prefix: String,
        _ connection: any SQLConnection,
        _ body: Body
    ) throws {
        let rows = try connection.rows(
            "SELECT path, digest FROM artifact WHERE path >= ? AND path < ? AND digest IS NOT NULL ORDER BY path",
            // '0' is the character behind '/'.
            [.text("\(prefix)/"), .text("\(prefix)0")]
        )
        for row in rows {
            let path = String((row.text(0) ?? "").dropFirst(prefix.count + 1))
            try body(TransferRecord(artifact: .init(owner: owner, id: id, path: path, sha256: row.text(1))))
        }
    }

    private static func loggedModels(_ connection: any SQLConnection, _ body: Body) throws {
        let rows = try connection.rows(
            "SELECT \(LoggedModelRows.columns), l.lifecycle_stage FROM \(LoggedModelRows.source) "
                + "ORDER BY l.created_at_ms, l.model_id"
        )
        for row in rows {
            guard let model = try LoggedModelRows.filled([LoggedModelRows.model(row)], connection).first else {
                continue
            }
            var record = TransferRecord.LoggedModelRecord(
                id: model.id,
                experiment: String(model.experimentID),
                name: model.name
            )
            record.modelType = model.modelType
            record.sourceRun = model.sourceRunID?.stored
            record.status = model.status.rawValue
            record.isDeleted = row.text(9) == "deleted"
            record.createdAt = model.createdAt.milliseconds
            record.updatedAt = model.updatedAt.milliseconds
            record.params = model.params.map { .init($0.key, $0.value) }
            record.tags = model.tags.map { .init($0.key, $0.value) }
            record.metrics = model.metrics.map { metric in
                var point = TransferRecord.PointRecord(metric.point)
                point.run = metric.runID.stored
                point.dataset = metric.dataset?.name
                point.digest = metric.dataset?.digest
                return point
            }
            try body(TransferRecord(loggedModel: record))
            try artifacts(
                .loggedModel,
                model.id,
                "\(model.experimentID)/models/\(model.id)/artifacts",
                connection,
                body
            )
        }
    }

    private static func registry(_ connection: any SQLConnection, _ root: String, _ body: Body) throws {
        let models = try connection.rows(
            "SELECT name, description, created_at_ms, updated_at_ms, last_version FROM registered_model "
                + "ORDER BY name"
        )
        for row in models {
            var model = TransferRecord.ModelRecord(name: row.text(0) ?? "")
            model.description = row.text(1)
            model.createdAt = row.integer(2) ?? 0
            model.updatedAt = row.integer(3) ?? 0
            model.lastVersion = row.integer(4) ?? 0
            model.tags = try pairs("registered_model_tag", "name", .text(model.name), connection)
            try body(TransferRecord(model: model))
        }
        for row in try connection.rows(
            "SELECT \(VersionRows.columns) FROM model_version v ORDER BY v.name, v.version"
        ) {
            let version = try VersionRows.version(row, connection)
            var record = TransferRecord.VersionRecord(name: version.name, version: version.version)
            record.run = version.runID?.stored
            record.loggedModel = version.modelID
            record.source = version.source
            record.storage = version.storage
            record.runLink = version.runLink
            record.description = version.description
            record.stage = version.stage.rawValue
            record.createdAt = version.createdAt.milliseconds
            record.updatedAt = version.updatedAt.milliseconds
            record.metricsJSON = row.text(10)
            record.tags = version.tags.map { .init($0.key, $0.value) }
            record.candidate = version.candidatePath.map { relative($0, root) }
            try body(TransferRecord(version: record))
        }
        for row in try connection.rows("SELECT name, alias, version FROM model_alias ORDER BY name, alias") {
            let alias = TransferRecord.AliasRecord(
                name: row.text(0) ?? "",
                alias: row.text(1) ?? "",
                version: row.integer(2) ?? 0
            )
            try body(TransferRecord(alias: alias))
        }
    }

    private static func pairs(
        _ table: String,
        _ column: String,
        _ id: SQLValue,
        _ connection: any SQLConnection
    ) throws -> [TransferRecord.Pair] {
        try connection.rows("SELECT key, value FROM \(table) WHERE \(column) = ? ORDER BY key", [id])
            .map { .init($0.text(0) ?? "", $0.text(1) ?? "") }
    }

    /// A path below the artifact root without the root's name; any other as it is.
    private static func relative(_ path: String, _ root: String) -> String {
        path.hasPrefix(root + "/") ? String(path.dropFirst(root.count + 1)) : path
    }
}
