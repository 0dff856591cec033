package import BalanceCore

/// Runs in an SQL database.
package struct SQLTrackingStore: TrackingStore {
    let database: any SQLDatabase
    let audit: AuditWriter

    /// - Parameters:
    ///   - database: Where everything is.
    ///   - key: Signs the lines of the audit trail; nil: they are chained and not signed.
    package init(database: any SQLDatabase, key: AuditKey? = nil) {
        self.database = database
        audit = AuditWriter(database: database, key: key)
    }

    package func begin(_ run: NewRun) async throws {
        try await database.write { connection in
            try connection.execute(
                "INSERT INTO run (run_id, kind, status, created_at, start_time_ms, git_commit, git_branch, git_dirty, "
                    + "params_json, note, user_id) VALUES (?, ?, 'RUNNING', ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    .text(run.id.stored), .text(run.kind), .text(run.startedAt.iso8601),
                    .integer(run.startedAt.milliseconds), .optional(run.git.commit), .optional(run.git.branch),
                    .optional(run.git.dirty.map { $0 ? 1 : 0 }), .text(run.params.text()), .optional(run.note),
                    .text(run.user),
                ]
            )
            try RunRows.insertParams(run.params, of: run.id.stored, connection)
        }
    }

    package func end(_ id: RunID, _ outcome: RunOutcome) async throws {
        try await database.write { connection in
            let changed = try connection.execute(
                "UPDATE run SET status = ?, end_time_ms = ?, run_dir_name = ? WHERE run_id = ? AND status = 'RUNNING'",
                [
                    .text(outcome.status.rawValue), .integer(outcome.endedAt.milliseconds),
                    .optional(outcome.runDirName), .text(id.stored),
                ]
            )
            guard changed == 1 else { throw Failure(.runNotFound, "run \(id) does not exist or has ended") }
            let points = outcome.metrics.map {
                MetricPoint(key: $0.key, value: $0.value, timestamp: outcome.endedAt, step: 0)
            }
            try RunRows.insert(points, of: id.stored, connection)
            for artifact in outcome.artifacts { try RunRows.insert(artifact, of: id.stored, connection) }
        }
    }

    package func addArtifact(_ artifact: ArtifactRecord, to id: RunID) async throws {
        try await database.write { try RunRows.insert(artifact, of: id.stored, $0) }
    }

    /// Fills in the folder names of runs that were brought over from a database which does not have them.
    package func nameFolders(_ name: @escaping @Sendable (RunID) -> String?) async throws {
        let unnamed = try await database.read { connection in
            try connection.rows(
                "SELECT run_id FROM run WHERE run_dir_name IS NULL AND status = 'FINISHED' AND kind IS NOT NULL"
            )
            .compactMap { $0.text(0).map(RunID.init(stored:)) }
        }
        let named = unnamed.compactMap { id in name(id).map { (id, $0) } }
        guard !named.isEmpty else { return }
        try await database.write { connection in
            for (id, name) in named {
                try connection.execute(
                    "UPDATE run SET run_dir_name = ? WHERE run_id = ?",
                    [.text(name), .text(id.stored)]
                )
            }
        }
    }

    package func newestRunID() async throws -> RunID? {
        guard !Visibility.isLimited else { return try await runs(RunSearch(limit: 1), offset: 0).items.first?.id }
        return try await database.read { connection in
            try connection.rows(
                "SELECT run_id FROM run WHERE lifecycle_stage = 'active' ORDER BY start_time_ms DESC, seq DESC LIMIT 1"
            ).first?.text(0).map(RunID.init(stored:))
        }
    }

    package func kinds() async throws -> [String] {
        // A word that is used elsewhere would tell of what may not be seen.
        guard !Visibility.isLimited else { return [] }
        return try await database.read { connection in
            try connection.rows("SELECT DISTINCT kind FROM run WHERE kind IS NOT NULL ORDER BY kind")
                .compactMap { $0.text(0) }
        }
    }

    package func runs(_ search: RunSearch, offset: Int) async throws -> Page<RunSummary> {
        if search.experimentIDs?.isEmpty == true { return Page(items: []) }
        var builder = RunSQL()
        let sql = PagedSQL(
            columns: Self.columns,
            source: Self.trackedSource,
            condition: try builder.conditions(search),
            arguments: builder.arguments,
            order: RunSQL.newestFirst
        )
        return try await database.read { connection in
            let page = try sql.page(limit: search.query.limit, after: search.query.after, offset: offset, connection)
            var summaries = page.items.map(Self.summary)
            if !search.isLight { try Self.addMetrics(to: &summaries, connection) }
            return Page(items: summaries, next: page.next)
        }
    }

    package func run(_ id: RunID) async throws -> RunDetail? {
        try await database.read { connection in
            guard
                let row = try connection.rows(
                    "SELECT \(Self.columns), r.params_json FROM run r WHERE r.run_id = ?",
                    [.text(id.stored)]
                ).first
            else { return nil }
            var summaries = [Self.summary(row)]
            try Self.addMetrics(to: &summaries, connection)
            let artifacts = try connection.rows(
                "SELECT kind, path FROM run_artifact WHERE run_id = ? ORDER BY kind, path",
                [.text(id.stored)]
            )
            let params = try row.text(10).flatMap { try? JSONValue(parsing: $0) } ?? Self.flatParams(id, connection)
            return RunDetail(
                summary: summaries[0],
                params: params?.members == nil ? nil : params,
                artifacts: artifacts.map { ArtifactRecord(kind: $0.text(0) ?? "", path: $0.text(1) ?? "") }
            )
        }
    }

    /// The params of a run that a client logged one by one; nil where there are none.
    private static func flatParams(_ id: RunID, _ connection: any SQLConnection) throws -> JSONValue? {
        let rows = try connection.rows(
            "SELECT p.key, p.value FROM run r JOIN param p ON p.run_seq = r.seq WHERE r.run_id = ? ORDER BY p.key",
            [.text(id.stored)]
        )
        return rows.isEmpty ? nil : .object(rows.map { ($0.text(0) ?? "", .string($0.text(1) ?? "")) })
    }

    private static let columns =
        "r.run_id, r.created_at, r.git_commit, r.git_branch, r.git_dirty, r.note, r.kind, r.status, r.run_dir_name, r.name"

    private static func summary(_ row: SQLRow) -> RunSummary {
        var summary = RunSummary(
            id: RunID(stored: row.text(0) ?? ""),
            createdAt: row.text(1) ?? "",
            git: GitInfo(commit: row.text(2), branch: row.text(3), dirty: row.integer(4).map { $0 != 0 }),
            note: row.text(5),
            kind: row.text(6),
            status: row.text(7).flatMap(RunStatus.init) ?? .finished,
            metrics: [],
            runDirName: row.text(8)
        )
        summary.name = row.text(9)
        return summary
    }

    private static func addMetrics(to summaries: inout [RunSummary], _ connection: any SQLConnection) throws {
        guard !summaries.isEmpty else { return }
        let places = repeatElement("?", count: summaries.count).joined(separator: ", ")
        let rows = try connection.rows(
            "SELECT r.run_id, k.key, m.value, m.is_nan FROM run r JOIN latest_metric m ON m.run_seq = r.seq "
                + "JOIN metric_key k ON k.key_id = m.key_id WHERE r.run_id IN (\(places)) ORDER BY r.run_id, k.key",
            summaries.map { .text($0.id.stored) }
        )
        let byRun = Dictionary(grouping: rows) { $0.text(0) ?? "" }
        for index in summaries.indices {
            summaries[index].metrics = (byRun[summaries[index].id.stored] ?? []).map { row in
                Metric(row.text(1) ?? "", RunRows.value(row, 2))
            }
        }
    }
}
