import BalanceSystem
package import BalanceCore

/// Removes deleted rows from an SQL database, and then the files that only they named.
package struct SQLTrash: Trash {
    private let database: any SQLDatabase
    private let audit: AuditWriter
    private let files: SQLArtifactFiles
    private let folders: FileArtifactStore

    package init(database: any SQLDatabase, key: AuditKey?, files: SQLArtifactFiles, folders: FileArtifactStore) {
        self.database = database
        audit = AuditWriter(database: database, key: key)
        self.files = files
        self.folders = folders
    }

    package func purge(_ request: PurgeRequest, by actor: Actor) async throws -> PurgeReport {
        let plan = try await database.read { try Plan(request, $0) }
        var report = plan.report
        let usage = try await files.usage(of: plan.paths)
        report.files = usage.files
        report.bytes = usage.bytes
        let own = plan.runs.flatMap(folders.files)
        report.files += own.count
        report.bytes += own.reduce(0) { $0 + $1.size }
        guard !request.isDryRun else { return report }
        // Decided again under the write lock: what was restored in the meantime stays.
        let done = try await audit.write { connection in
            let plan = try Plan(request, connection)
            try plan.execute(connection)
            let found = plan.report
            if !found.runs.isEmpty || !found.experiments.isEmpty || !found.loggedModels.isEmpty {
                let what =
                    "\(found.experiments.count) experiments, \(found.runs.count) runs, "
                    + "\(found.loggedModels.count) logged models"
                try connection.note(.purged, "trash", what, by: actor, at: .now())
            }
            return plan
        }
        report = done.report
        report.files = usage.files + own.count
        report.bytes = try await files.remove(done.paths)
        for run in done.runs { report.bytes += folders.removeFiles(of: run) }
        report.bytes += try await files.sweep()
        return report
    }
}

/// A deleted run with what it left outside the artifact store.
package struct DeletedRun: Sendable {
    var id: RunID
    var experimentID: Int
    var directoryName: String?
    var candidates: [String]
}

/// What a purge will remove.
private struct Plan {
    var report: PurgeReport
    var runs: [DeletedRun] = []
    private var models: [(id: String, experimentID: Int)] = []

    init(_ request: PurgeRequest, _ connection: any SQLConnection) throws {
        report = PurgeReport(isDryRun: request.isDryRun)
        try Self.check(request, connection)
        let before = request.before?.milliseconds ?? Int.max
        let isNamed = !request.runIDs.isEmpty || !request.experimentIDs.isEmpty
        let places = repeatElement("?", count: request.experimentIDs.count).joined(separator: ", ")
        let experiments = request.experimentIDs.map(SQLValue.integer)
        var condition = "r.lifecycle_stage = 'deleted' AND COALESCE(r.deleted_time_ms, 0) < ?"
        var arguments: [SQLValue] = [.integer(before)]
        if isNamed {
            let runPlaces = repeatElement("?", count: request.runIDs.count).joined(separator: ", ")
            condition += " AND (r.experiment_id IN (\(places)) OR r.run_id IN (\(runPlaces)))"
            arguments += experiments + request.runIDs.map { .text($0.stored) }
        }
        try addRuns(condition, arguments, connection)
        if !isNamed || !experiments.isEmpty {
            try addModels(isNamed ? " AND l.experiment_id IN (\(places))" : "", experiments, before, connection)
            try addExperiments(isNamed ? " AND experiment_id IN (\(places))" : "", experiments, before, connection)
        }
    }

    /// The folders of the artifact store that go.
    var paths: [String] {
        let whole = Set(report.experiments.map(\.id))
        return whole.map { "\($0)" }
            + runs.filter { !whole.contains($0.experimentID) }.map { "\($0.experimentID)/\($0.id.stored)" }
            + models.filter { !whole.contains($0.experimentID) }.map { "\($0.experimentID)/models/\($0.id)" }
    }

    func execute(_ connection: any SQLConnection) throws {
        for run in runs { try connection.execute("DELETE FROM run WHERE run_id = ?", [.text(run.id.stored)]) }
        for model in models { try connection.execute("DELETE FROM logged_model WHERE model_id = ?", [.text(model.id)]) }
        for experiment in report.experiments {
            try connection.execute("DELETE FROM experiment WHERE experiment_id = ?", [.integer(experiment.id)])
        }
        try connection.execute(
            "DELETE FROM dataset WHERE NOT EXISTS (SELECT 1 FROM run_input i WHERE i.dataset_id = dataset.dataset_id)"
        )
        // Each key that has points has a latest one.
        try connection.execute(
            "DELETE FROM metric_key WHERE NOT EXISTS (SELECT 1 FROM latest_metric m WHERE m.key_id = metric_key.key_id)"
        )
    }

    /// Refuses what is named and cannot be removed.
    private static func check(_ request: PurgeRequest, _ connection: any SQLConnection) throws {
        for id in request.runIDs {
            let rows = try connection.rows("SELECT lifecycle_stage FROM run WHERE run_id = ?", [.text(id.stored)])
            try check(rows.first?.text(0), "run \(id.native)")
        }
        for id in request.experimentIDs {
            let rows = try connection.rows(
                "SELECT lifecycle_stage FROM experiment WHERE experiment_id = ?",
                [.integer(id)]
            )
            try check(rows.first?.text(0), "experiment \(id)")
        }
    }

    private static func check(_ stage: String?, _ what: String) throws {
        guard let stage else { throw Failure(.resourceNotFound, "The \(what) does not exist") }
        guard stage == LifecycleStage.deleted.rawValue else {
            throw Failure(.invalidParameter, "The \(what) is not deleted", hint: "delete it first; it can be restored")
        }
    }

    private mutating func addRuns(_ condition: String, _ arguments: [SQLValue], _ connection: any SQLConnection) throws
    {
        let rows = try connection.rows(
            "SELECT r.run_id, r.experiment_id, r.run_dir_name, (SELECT v.name || ' version ' || v.version "
                + "FROM model_version v WHERE v.run_id = r.run_id LIMIT 1) FROM run r WHERE \(condition) ORDER BY r.seq",
            arguments
        )
        for row in rows {
            let id = RunID(stored: row.text(0) ?? "")
            if let version = row.text(3) {
                report.kept.append(.init(what: "run \(id.native)", reason: "it is the source of \(version)"))
                continue
            }
            let candidates = try connection.rows(
                "SELECT path FROM run_artifact WHERE run_id = ? AND kind = 'model_candidate'",
                [.text(id.stored)]
            )
            runs.append(
                DeletedRun(
                    id: id,
                    experimentID: row.integer(1) ?? 0,
                    directoryName: row.text(2),
                    candidates: candidates.compactMap { $0.text(0) }
                )
            )
            report.runs.append(id)
        }
    }

    private mutating func addModels(
        _ condition: String,
        _ arguments: [SQLValue],
        _ before: Int,
        _ connection: any SQLConnection
    ) throws {
        let rows = try connection.rows(
            "SELECT l.model_id, l.experiment_id, (SELECT v.name || ' version ' || v.version FROM model_version v "
                + "WHERE v.model_id = l.model_id LIMIT 1) FROM logged_model l "
                + "JOIN experiment e ON e.experiment_id = l.experiment_id "
                + "WHERE (l.lifecycle_stage = 'deleted' OR e.lifecycle_stage = 'deleted') "
                + "AND COALESCE(l.deleted_time_ms, e.updated_at_ms) < ?\(condition) ORDER BY l.created_at_ms, l.model_id",
            [.integer(before)] + arguments
        )
        for row in rows {
            let id = row.text(0) ?? ""
            if let version = row.text(2) {
                report.kept.append(.init(what: "logged model \(id)", reason: "it is the source of \(version)"))
            } else {
                models.append((id, row.integer(1) ?? 0))
                report.loggedModels.append(id)
            }
        }
    }

    /// An experiment goes when nothing of it stays; the first one is needed for runs that name none.
    private mutating func addExperiments(
        _ condition: String,
        _ arguments: [SQLValue],
        _ before: Int,
        _ connection: any SQLConnection
    ) throws {
        let rows = try connection.rows(
            "SELECT experiment_id, name, (SELECT COUNT(*) FROM run r WHERE r.experiment_id = x.experiment_id), "
                + "(SELECT COUNT(*) FROM logged_model l WHERE l.experiment_id = x.experiment_id) FROM experiment x "
                + "WHERE lifecycle_stage = 'deleted' AND experiment_id <> 0 AND updated_at_ms < ?\(condition)",
            [.integer(before)] + arguments
        )
        for row in rows {
            let id = row.integer(0) ?? 0
            let name = row.text(1) ?? ""
            let isEmpty =
                runs.count { $0.experimentID == id } == row.integer(2)
                && models.count { $0.experimentID == id } == row.integer(3)
            if isEmpty {
                report.experiments.append((id, name))
            } else {
                report.kept.append(.init(what: "experiment \(id) '\(name)'", reason: "some of its data is kept"))
            }
        }
    }
}
