import BalanceCore

/// Moves the rows of the original's four tables into ours.
///
/// A row that finds no place (a metric of a run that does not exist, say) stays in a table `original_…`: nothing is lost.
enum OriginalSchema {
    private static let tables = ["runs", "metrics", "artifacts", "models"]

    static func setAside(_ connection: any SQLConnection) throws {
        for table in tables { try connection.execute("ALTER TABLE \(table) RENAME TO original_\(table)") }
    }

    static func bringOver(_ connection: any SQLConnection) throws {
        try runs(connection)
        try metrics(connection)
        try artifacts(connection)
        try models(connection)
        for table in tables where try connection.rows("SELECT 1 FROM original_\(table) LIMIT 1").isEmpty {
            try connection.execute("DROP TABLE original_\(table)")
        }
    }

    private static func runs(_ connection: any SQLConnection) throws {
        let rows = try connection.rows(
            "SELECT run_id, created_at, git_commit, git_branch, git_dirty, params_json, note "
                + "FROM original_runs WHERE run_id IS NOT NULL ORDER BY created_at, run_id"
        )
        for row in rows {
            guard let id = row.text(0) else { continue }
            let createdAt = row.text(1) ?? ""
            let startedAt = Timestamp(iso8601: createdAt)?.milliseconds ?? 0
            let params = row.text(5).flatMap { try? JSONValue(parsing: $0) }
            let stored = RunID(native: id).stored
            let inserted = try connection.execute(
                "INSERT INTO run (run_id, kind, status, created_at, start_time_ms, end_time_ms, git_commit, "
                    + "git_branch, git_dirty, params_json, note) VALUES (?, ?, 'FINISHED', ?, ?, ?, ?, ?, ?, ?, ?) "
                    + "ON CONFLICT DO NOTHING",
                [
                    .text(stored), .optional(params?["kind"]?.string), .text(createdAt), .integer(startedAt),
                    .integer(startedAt), .optional(row.text(2)), .optional(row.text(3)), .optional(row.integer(4)),
                    .optional(row.text(5)), .optional(row.text(6)),
                ]
            )
            guard inserted == 1 else { continue }
            try RunRows.insertParams(params, of: stored, connection)
            try connection.execute("DELETE FROM original_runs WHERE run_id = ?", [.text(id)])
        }
    }

    private static func metrics(_ connection: any SQLConnection) throws {
        for row in try connection.rows("SELECT run_id, key, value FROM original_metrics") {
            guard let id = row.text(0), let key = row.text(1), let value = row.real(2),
                let startedAt = try startTime(of: id, connection)
            else { continue }
            let metric = Metric(key, value)
            try RunRows.insert(metric, of: RunID(native: id).stored, at: startedAt, connection)
            try connection.execute(
                "DELETE FROM original_metrics WHERE run_id = ? AND key = ?",
                [.text(id), .text(key)]
            )
        }
    }

    private static func artifacts(_ connection: any SQLConnection) throws {
        for row in try connection.rows("SELECT run_id, kind, path FROM original_artifacts") {
            guard let id = row.text(0), let kind = row.text(1), let path = row.text(2),
                try startTime(of: id, connection) != nil
            else { continue }
            try RunRows.insert(ArtifactRecord(kind: kind, path: path), of: RunID(native: id).stored, connection)
            try connection.execute(
                "DELETE FROM original_artifacts WHERE run_id = ? AND kind = ? AND path = ?",
                [.text(id), .text(kind), .text(path)]
            )
        }
    }

    /// Each row becomes a version, the oldest first and the current one last, so that the current one is the newest.
    private static func models(_ connection: any SQLConnection) throws {
        let rows = try connection.rows(
            "SELECT name, stage, run_id, path, created_at, metrics_json FROM original_models "
                + "WHERE name IS NOT NULL AND path IS NOT NULL "
                + "ORDER BY name, CASE stage WHEN 'current' THEN 1 ELSE 0 END, created_at"
        )
        for row in rows {
            guard let name = row.text(0), let stage = row.text(1), let path = row.text(3) else { continue }
            let createdAt = row.text(4) ?? ""
            let moment = Timestamp(iso8601: createdAt) ?? Timestamp(milliseconds: 0)
            let version = NewVersion(
                name: name,
                runID: row.text(2).map { RunID(native: $0) },
                path: path,
                sourcePath: nil,
                digest: nil,
                size: nil,
                format: nil,
                metricsJSON: row.text(5),
                stage: stage,
                createdAt: createdAt,
                moment: moment
            )
            let number = try RegistryRows.insert(version, connection)
            if stage == "current" { try RegistryRows.moveCurrent(name, to: number, at: moment, connection) }
            try connection.execute(
                "DELETE FROM original_models WHERE name = ? AND stage = ?",
                [.text(name), .text(stage)]
            )
        }
    }

    private static func startTime(of id: String, _ connection: any SQLConnection) throws -> Timestamp? {
        try connection.rows("SELECT start_time_ms FROM run WHERE run_id = ?", [.text(RunID(native: id).stored)])
            .first?.integer(0).map(Timestamp.init)
    }
}
