import BalanceCore

/// Moves the rows of the original's four tables into ours.
///
/// A row that finds no place (a metric of a run that does not exist, say) stays in a table `original_…`: nothing is lost.
enum OriginalSchema {
    /// The tables of the original and their columns.
    static let columns = [
        "runs": ["run_id", "created_at", "git_commit", "git_branch", "git_dirty", "params_json", "note"],
        "metrics": ["run_id", "key", "value"],
        "artifacts": ["run_id", "kind", "path"],
        "models": ["name", "stage", "run_id", "path", "created_at", "metrics_json"],
    ]

    static func setAside(_ connection: any SQLConnection) throws {
        for table in columns.keys.sorted() {
            try connection.execute("ALTER TABLE \(table) RENAME TO original_\(table)")
        }
    }

    static func bringOver(_ connection: any SQLConnection) throws {
        let starts = try runs(connection)
        try metrics(connection, starts)
        try artifacts(connection, starts)
        try models(connection)
        for table in columns.keys.sorted() where try isDone(table, connection) {
            try connection.execute("DROP TABLE original_\(table)")
        }
    }

    /// Whether all rows of a table found a place.
    private static func isDone(_ table: String, _ connection: any SQLConnection) throws -> Bool {
        try connection.rows("SELECT 1 FROM original_\(table) LIMIT 1").isEmpty
    }

    /// Removes a row that was brought over, unless it has columns that are not ours to drop.
    private static func remove(_ table: String, _ row: Int, _ connection: any SQLConnection) throws {
        let found = try connection.rows("SELECT name FROM pragma_table_info(?)", [.text("original_\(table)")])
        guard found.count == columns[table]?.count else { return }
        try connection.execute("DELETE FROM original_\(table) WHERE rowid = ?", [.integer(row)])
    }

    /// - Returns: The start of each run that was brought over, by its original id.
    private static func runs(_ connection: any SQLConnection) throws -> [String: Timestamp] {
        let rows = try connection.rows(
            "SELECT run_id, created_at, git_commit, git_branch, git_dirty, params_json, note, rowid "
                + "FROM original_runs WHERE run_id IS NOT NULL "
                // The original writes ids with dashes; the same id without them comes second.
                + "ORDER BY CASE WHEN run_id LIKE '%-%' THEN 0 ELSE 1 END, created_at, run_id"
        )
        var starts: [String: Timestamp] = [:]
        for row in rows {
            guard let id = row.text(0) else { continue }
            let createdAt = row.text(1) ?? ""
            let startedAt = Timestamp(iso8601: createdAt) ?? Timestamp(milliseconds: 0)
            let params = row.text(5).flatMap { try? JSONValue(parsing: $0) }
            let stored = RunID(native: id).stored
            let inserted = try connection.execute(
                "INSERT INTO run (run_id, kind, status, created_at, start_time_ms, end_time_ms, git_commit, "
                    + "git_branch, git_dirty, params_json, note) VALUES (?, ?, 'FINISHED', ?, ?, ?, ?, ?, ?, ?, ?) "
                    + "ON CONFLICT DO NOTHING",
                [
                    .text(stored), .optional(params?["kind"]?.string), .text(createdAt),
                    .integer(startedAt.milliseconds), .integer(startedAt.milliseconds), .optional(row.text(2)),
                    .optional(row.text(3)), .optional(truth(row.values[4])), .optional(row.text(5)),
                    .optional(row.text(6)),
                ]
            )
            guard inserted == 1 else { continue }
            starts[id] = startedAt
            try RunRows.insertParams(params, of: stored, connection)
            try remove("runs", row.integer(7) ?? 0, connection)
        }
        return starts
    }

    /// What Python takes a value for.
    private static func truth(_ value: SQLValue) -> Int? {
        switch value {
        case .null: nil
        case .integer(let number): number == 0 ? 0 : 1
        case .real(let number): number == 0 ? 0 : 1
        case .text(let text): text.isEmpty ? 0 : 1
        case .blob(let bytes): bytes.isEmpty ? 0 : 1
        }
    }

    private static func metrics(_ connection: any SQLConnection, _ starts: [String: Timestamp]) throws {
        for row in try connection.rows("SELECT run_id, key, value, rowid FROM original_metrics") {
            guard let id = row.text(0), let key = row.text(1), let startedAt = starts[id],
                let value = row.values[2] == .null ? .nan : row.real(2)
            else { continue }
            // Python's SQLite driver stores NaN as NULL.
            let point = MetricPoint(key: key, value: value, timestamp: startedAt, step: 0)
            try RunRows.insert([point], of: RunID(native: id).stored, connection)
            try remove("metrics", row.integer(3) ?? 0, connection)
        }
    }

    private static func artifacts(_ connection: any SQLConnection, _ starts: [String: Timestamp]) throws {
        for row in try connection.rows("SELECT run_id, kind, path, rowid FROM original_artifacts ORDER BY rowid") {
            guard let id = row.text(0), let kind = row.text(1), let path = row.text(2), starts[id] != nil else {
                continue
            }
            try connection.execute(
                "INSERT INTO run_artifact (run_id, kind, path) VALUES (?, ?, ?)",
                [.text(RunID(native: id).stored), .text(kind), .text(path)]
            )
            try remove("artifacts", row.integer(3) ?? 0, connection)
        }
    }

    /// Each row becomes a version, the oldest first and the current one last, so that the current one is the newest.
    private static func models(_ connection: any SQLConnection) throws {
        let rows = try connection.rows(
            "SELECT name, stage, run_id, path, created_at, metrics_json, rowid FROM original_models "
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
            if stage == "current" {
                try SlotRows.move(
                    name,
                    to: number,
                    kind: "promote",
                    actor: "original",
                    at: moment,
                    connection
                )
            }
            try remove("models", row.integer(6) ?? 0, connection)
        }
    }
}
