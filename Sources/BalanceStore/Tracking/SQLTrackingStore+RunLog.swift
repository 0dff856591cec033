package import BalanceCore

extension SQLTrackingStore: RunLog {
    package func trackedRun(_ id: RunID) async throws -> TrackedRun {
        try await database.read { try Self.tracked(id, $0) }
    }

    package func updateRun(_ id: RunID, _ update: RunUpdate) async throws -> TrackedRun {
        try await database.writeTogether { connection in
            let run = try Self.requireActive(id, connection)
            try connection.execute(
                "UPDATE run SET status = COALESCE(?, status), end_time_ms = COALESCE(?, end_time_ms), "
                    + "name = COALESCE(?, name) WHERE seq = ?",
                [
                    .optional(update.status?.rawValue), .optional(update.endedAt?.milliseconds), .optional(update.name),
                    .integer(run),
                ]
            )
            if let name = update.name { try Self.upsert(KeyValue(key: runNameTag, value: name), run: run, connection) }
            return try Self.tracked(id, connection)
        }
    }

    package func setStage(
        _ stage: LifecycleStage,
        ofRun id: RunID,
        by actor: Actor,
        at moment: Timestamp
    ) async throws {
        try await audit.write { connection in
            let count = try connection.execute(
                "UPDATE run SET lifecycle_stage = ?, deleted_time_ms = ? WHERE run_id = ?",
                [
                    .text(stage.rawValue), .optional(stage == .deleted ? moment.milliseconds : nil), .text(id.stored),
                ]
            )
            if count == 0 { throw Self.missing(id) }
            let action: AuditAction = stage == .deleted ? .runDeleted : .runRestored
            try connection.note(action, "run \(id.stored)", "", by: actor, at: moment)
        }
    }

    package func append(_ value: JSONValue, toTag key: String, of id: RunID) async throws {
        try await database.writeTogether { connection in
            let run = try Self.requireActive(id, connection)
            let text = try connection.rows(
                "SELECT value FROM tag WHERE run_seq = ? AND key = ?",
                [.integer(run), .text(key)]
            ).first?.text(0)
            let before = text.flatMap { try? JSONValue(parsing: $0) }?.elements ?? []
            try Self.upsert(KeyValue(key: key, value: JSONValue.array(before + [value]).text()), run: run, connection)
        }
    }

    package func deleteTag(_ key: String, ofRun id: RunID) async throws {
        try await database.writeTogether { connection in
            let run = try Self.requireActive(id, connection)
            let count = try connection.execute(
                "DELETE FROM tag WHERE run_seq = ? AND key = ?",
                [.integer(run), .text(key)]
            )
            if count == 0 { throw Failure(.resourceNotFound, "No tag with name: \(key) in run with id \(id.stored)") }
        }
    }

    package func history(of key: String, run: RunID, limit: Int, after: String?) async throws -> Page<MetricPoint> {
        var sql = PagedSQL(
            columns: "m.value, m.is_nan, m.timestamp_ms, m.step",
            source: "metric m",
            condition: Self.place,
            arguments: [.text(run.stored), .text(key)],
            order: ["m.timestamp_ms", "m.step", "m.value", "m.is_nan"].map { SortTerm(sql: $0) }
        )
        sql.isAlongIndex = true
        let pages = sql
        return try await database.read { connection in
            try pages.page(limit: limit, after: after, connection).map { row in
                MetricPoint(
                    key: key,
                    value: RunRows.value(row, 0),
                    timestamp: Timestamp(milliseconds: row.integer(2) ?? 0),
                    step: row.integer(3) ?? 0
                )
            }
        }
    }

    package func sample(
        of key: String,
        run: RunID,
        steps: ClosedRange<Int>,
        limit: Int
    ) async throws -> [MetricPoint] {
        // The nth of all points is taken where n * (limit - 1) / (all - 1) passes a whole number.
        let spread = max(limit - 1, 1)
        return try await database.read { connection in
            if steps.lowerBound == .min, steps.upperBound == .max, try Self.isLong(key, run, connection) {
                return try Self.sampleByTime(of: key, run: run, limit: limit, connection)
            }
            return try connection.rows(
                "SELECT value, is_nan, timestamp_ms, step FROM (SELECT value, is_nan, timestamp_ms, step, ROW_NUMBER() "
                    + "OVER (ORDER BY step, timestamp_ms, value) - 1 AS n, COUNT(*) OVER () AS total FROM metric m "
                    + "WHERE \(Self.place) AND step BETWEEN ? AND ?) AS q WHERE n = 0 OR (? > 1 AND "
                    + "(total <= ? OR (n * ?) / (total - 1) > ((n - 1) * ?) / (total - 1))) ORDER BY n",
                [
                    .text(run.stored), .text(key), .integer(steps.lowerBound), .integer(steps.upperBound),
                    .integer(limit), .integer(limit), .integer(spread), .integer(spread),
                ]
            ).map { row in
                MetricPoint(
                    key: key,
                    value: RunRows.value(row, 0),
                    timestamp: Timestamp(milliseconds: row.integer(2) ?? 0),
                    step: row.integer(3) ?? 0
                )
            }
        }
    }

    /// Where the points of a run's metric are.
    static let place =
        "m.run_seq = (SELECT r.seq FROM run r WHERE r.run_id = ?) AND m.key_id = \(RunRows.keyNumber)"

    /// More points than are numbered one by one to take a sample.
    private static let longHistory = 200_000

    private static func isLong(_ key: String, _ run: RunID, _ connection: any SQLConnection) throws -> Bool {
        let rows = try connection.rows(
            "SELECT 1 FROM metric m WHERE \(place) LIMIT 1 OFFSET ?",
            [.text(run.stored), .text(key), .integer(longHistory)]
        )
        return !rows.isEmpty
    }

    /// Points that lie evenly in time, each found by the index: nobody counts ten million points for a picture.
    private static func sampleByTime(
        of key: String,
        run: RunID,
        limit: Int,
        _ connection: any SQLConnection
    ) throws -> [MetricPoint] {
        let values: [SQLValue] = [.text(run.stored), .text(key)]
        let columns = "SELECT value, is_nan, timestamp_ms, step FROM metric m WHERE \(place)"
        func end(_ direction: String) throws -> SQLRow? {
            let order = ["timestamp_ms", "step", "value", "is_nan"].map { "\($0) \(direction)" }.joined(separator: ", ")
            return try connection.rows("\(columns) ORDER BY \(order) LIMIT 1", values).first
        }
        guard let first = try end("ASC"), let last = try end("DESC"), let from = first.integer(2),
            let to = last.integer(2)
        else { return [] }
        var rows = [first]
        let count = max(limit, 2)
        for index in 1..<count - 1 {
            let target = from + Int(Double(to - from) * Double(index) / Double(count - 1))
            let next = try connection.rows(
                "\(columns) AND timestamp_ms >= ? ORDER BY timestamp_ms, step, value, is_nan LIMIT 1",
                values + [.integer(target)]
            )
            if let row = next.first, row.values != rows[rows.count - 1].values { rows.append(row) }
        }
        if last.values != rows[rows.count - 1].values { rows.append(last) }
        return rows.map { row in
            MetricPoint(
                key: key,
                value: RunRows.value(row, 0),
                timestamp: Timestamp(milliseconds: row.integer(2) ?? 0),
                step: row.integer(3) ?? 0
            )
        }.sorted { ($0.step, $0.timestamp.milliseconds) < ($1.step, $1.timestamp.milliseconds) }
    }

    package func search(_ search: RunSearch) async throws -> Page<TrackedRun> {
        if search.experimentIDs?.isEmpty == true { return Page(items: []) }
        var builder = RunSQL()
        let sql = PagedSQL(
            columns: Self.trackedColumns,
            source: Self.trackedSource,
            condition: try builder.conditions(search),
            arguments: builder.arguments,
            order: try builder.order(search.query.order)
        )
        return try await database.read { connection in
            let page = try sql.page(
                limit: search.query.limit,
                after: search.query.after,
                trying: RunSQL.along(search.query.order, sql),
                connection
            )
            return search.isLight
                ? page.map(Self.tracked) : Page(items: try Self.filled(page.items, connection), next: page.next)
        }
    }

    package func count(_ search: RunSearch) async throws -> Int {
        if search.experimentIDs?.isEmpty == true { return 0 }
        var builder = RunSQL()
        let condition = try builder.conditions(search)
        let arguments = builder.arguments
        return try await database.read { connection in
            try connection.rows("SELECT COUNT(*) FROM \(Self.trackedSource) WHERE \(condition)", arguments)
                .first?.integer(0) ?? 0
        }
    }

    package func tree(of id: RunID, limit: Int) async throws -> [TrackedRun] {
        let visible = VisibleSQL.experiment("e.name")
        return try await database.read { connection in
            _ = try Self.tracked(id, connection)
            // UNION, not UNION ALL: runs that name each other as parents end the recursion.
            let rows = try connection.rows(
                "WITH RECURSIVE below (run_id, depth) AS (SELECT ?, 0 UNION SELECT c.run_id, MIN(b.depth + 1, 100) "
                    + "FROM below b JOIN tag t ON t.value = b.run_id AND t.key = '\(parentRunTag)' "
                    + "JOIN run c ON c.seq = t.run_seq) "
                    + "SELECT \(Self.trackedColumns) FROM \(Self.trackedSource) "
                    + "JOIN (SELECT run_id, MIN(depth) AS depth FROM below GROUP BY run_id) d ON d.run_id = r.run_id "
                    + "WHERE (r.lifecycle_stage = 'active' OR r.run_id = ?) AND \(visible.condition) "
                    + "ORDER BY d.depth, r.start_time_ms, r.run_id LIMIT ?",
                [.text(id.stored), .text(id.stored)] + visible.arguments + [.integer(limit)]
            )
            return try Self.filled(rows, connection)
        }
    }

    // MARK: - Rows

    static let trackedSource = "run r JOIN experiment e ON e.experiment_id = r.experiment_id"

    static let trackedColumns =
        "r.run_id, r.name, r.experiment_id, r.user_id, r.status, r.start_time_ms, r.end_time_ms, r.lifecycle_stage, "
        + "COALESCE(e.artifact_location, 'mlflow-artifacts:/' || e.experiment_id), r.run_dir_name, r.seq"

    static func tracked(_ row: SQLRow) -> TrackedRun {
        let id = RunID(stored: row.text(0) ?? "")
        return TrackedRun(
            id: id,
            name: row.text(1) ?? row.text(9) ?? id.short,
            experimentID: row.integer(2) ?? 0,
            userID: row.text(3) ?? "",
            status: row.text(4).flatMap(RunStatus.init) ?? .running,
            startedAt: Timestamp(milliseconds: row.integer(5) ?? 0),
            endedAt: row.integer(6).map(Timestamp.init),
            stage: row.text(7).flatMap(LifecycleStage.init) ?? .active,
            location: row.text(8) ?? ""
        )
    }

    static func tracked(_ id: RunID, _ connection: any SQLConnection) throws -> TrackedRun {
        let rows = try connection.rows(
            "SELECT \(trackedColumns) FROM \(trackedSource) WHERE r.run_id = ?",
            [.text(id.stored)]
        )
        guard let run = try filled(rows, connection).first else { throw missing(id) }
        return run
    }

    /// The runs of rows with ``trackedColumns``, with their metrics, params and tags, in one query each.
    private static func filled(_ rows: [SQLRow], _ connection: any SQLConnection) throws -> [TrackedRun] {
        var runs = rows.map(tracked)
        for start in stride(from: 0, to: runs.count, by: 500) {
            let range = start..<min(start + 500, runs.count)
            let sequences = rows[range].map { SQLValue.optional($0.integer(10)) }
            let ids = runs[range].map { SQLValue.text($0.id.stored) }
            let places = repeatElement("?", count: sequences.count).joined(separator: ", ")
            func grouped(_ columns: String, _ table: String) throws -> [SQLValue: [SQLRow]] {
                let sql =
                    "SELECT x.run_seq, \(columns) FROM \(table) WHERE x.run_seq IN (\(places)) ORDER BY x.run_seq, key"
                return Dictionary(grouping: try connection.rows(sql, sequences)) { $0.values[0] }
            }
            let latest = "latest_metric x JOIN metric_key k ON k.key_id = x.key_id"
            let metrics = try grouped("k.key, x.value, x.is_nan, x.timestamp_ms, x.step", latest)
            let params = try grouped("x.key, x.value", "param x")
            let tags = try grouped("x.key, x.value", "tag x")
            let inputs = try inputs(of: ids, connection)
            let modelInputs = try modelInputs(of: ids, connection)
            let outputs = try outputs(of: ids, connection)
            for index in range {
                let (id, sequence) = (runs[index].id.stored, sequences[index - start])
                runs[index].metrics = (metrics[sequence] ?? []).map(point)
                runs[index].params = (params[sequence] ?? []).map(pair)
                runs[index].tags = (tags[sequence] ?? []).map(pair)
                runs[index].inputs = inputs[id] ?? []
                runs[index].modelInputs = modelInputs[id] ?? []
                runs[index].outputs = outputs[id] ?? []
                // A run without a name of its own shows what it is called by; a tag that was deleted stays away.
                if rows[index].text(1) == nil, !runs[index].tags.contains(where: { $0.key == runNameTag }) {
                    runs[index].tags.append(KeyValue(key: runNameTag, value: runs[index].name))
                }
            }
        }
        return runs
    }

    private static func point(_ row: SQLRow) -> MetricPoint {
        MetricPoint(
            key: row.text(1) ?? "",
            value: RunRows.value(row, 2),
            timestamp: Timestamp(milliseconds: row.integer(4) ?? 0),
            step: row.integer(5) ?? 0
        )
    }

    private static func pair(_ row: SQLRow) -> KeyValue { KeyValue(key: row.text(1) ?? "", value: row.text(2) ?? "") }

    /// The row of a run that may be written to.
    @discardableResult
    static func requireActive(_ id: RunID, _ connection: any SQLConnection) throws -> Int {
        let rows = try connection.rows("SELECT lifecycle_stage, seq FROM run WHERE run_id = ?", [.text(id.stored)])
        guard let row = rows.first, let stage = row.text(0), let sequence = row.integer(1) else { throw missing(id) }
        guard stage == LifecycleStage.active.rawValue else {
            throw Failure(
                .invalidParameter,
                "The run \(id.stored) must be in the 'active' state. Current state is deleted."
            )
        }
        return sequence
    }

    static func upsert(_ tag: KeyValue, run: Int, _ connection: any SQLConnection) throws {
        try connection.execute(
            "INSERT INTO tag (run_seq, key, value) VALUES (?, ?, ?) "
                + "ON CONFLICT (run_seq, key) DO UPDATE SET value = excluded.value",
            [.integer(run), .text(tag.key), .text(tag.value)]
        )
        guard tag.key == runNameTag else { return }
        try connection.execute("UPDATE run SET name = ? WHERE seq = ?", [.text(tag.value), .integer(run)])
    }

    static func missing(_ id: RunID) -> Failure {
        Failure(.resourceNotFound, "Run with id=\(id.stored) not found")
    }
}
