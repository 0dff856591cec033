package import BalanceCore

extension SQLTrackingStore: RunLog {
    package func createRun(_ start: RunStart) async throws -> TrackedRun {
        try await database.write { connection in
            try Self.requireActive(start.experimentID, connection)
            try connection.execute(
                "INSERT INTO run (run_id, experiment_id, name, status, created_at, start_time_ms, user_id) "
                    + "VALUES (?, ?, ?, 'RUNNING', ?, ?, ?)",
                [
                    .text(start.id.stored), .integer(start.experimentID), .text(start.name),
                    .text(start.startedAt.iso8601), .integer(start.startedAt.milliseconds), .text(start.userID),
                ]
            )
            for tag in start.tags { try Self.upsert(tag, run: start.id, connection) }
            return try Self.tracked(start.id, connection)
        }
    }

    package func trackedRun(_ id: RunID) async throws -> TrackedRun {
        try await database.read { try Self.tracked(id, $0) }
    }

    package func updateRun(_ id: RunID, _ update: RunUpdate) async throws -> TrackedRun {
        try await database.write { connection in
            try Self.requireActive(id, connection)
            try connection.execute(
                "UPDATE run SET status = COALESCE(?, status), end_time_ms = COALESCE(?, end_time_ms), "
                    + "name = COALESCE(?, name) WHERE run_id = ?",
                [
                    .optional(update.status?.rawValue), .optional(update.endedAt?.milliseconds), .optional(update.name),
                    .text(id.stored),
                ]
            )
            if let name = update.name { try Self.upsert(KeyValue(key: runNameTag, value: name), run: id, connection) }
            return try Self.tracked(id, connection)
        }
    }

    package func setStage(_ stage: LifecycleStage, ofRun id: RunID, at moment: Timestamp) async throws {
        try await database.write { connection in
            let count = try connection.execute(
                "UPDATE run SET lifecycle_stage = ?, deleted_time_ms = ? WHERE run_id = ?",
                [
                    .text(stage.rawValue), .optional(stage == .deleted ? moment.milliseconds : nil), .text(id.stored),
                ]
            )
            if count == 0 { throw Self.missing(id) }
        }
    }

    package func log(_ batch: LogBatch, to id: RunID) async throws {
        try await database.write { connection in
            try Self.requireActive(id, connection)
            try Self.insert(batch.params, of: id, connection)
            for point in batch.metrics { try RunRows.insert(point, of: id.stored, connection) }
            for tag in batch.tags { try Self.upsert(tag, run: id, connection) }
        }
    }

    package func deleteTag(_ key: String, ofRun id: RunID) async throws {
        try await database.write { connection in
            try Self.requireActive(id, connection)
            let count = try connection.execute(
                "DELETE FROM tag WHERE run_id = ? AND key = ?",
                [.text(id.stored), .text(key)]
            )
            if count == 0 { throw Failure(.resourceNotFound, "No tag with name: \(key) in run with id \(id.stored)") }
        }
    }

    package func history(of key: String, run: RunID, limit: Int, offset: Int) async throws -> [MetricPoint] {
        try await database.read { connection in
            try connection.rows(
                "SELECT value, is_nan, timestamp_ms, step FROM metric WHERE run_id = ? AND key = ? "
                    + "ORDER BY timestamp_ms, step, value, is_nan LIMIT ? OFFSET ?",
                [.text(run.stored), .text(key), .integer(limit), .integer(offset)]
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

    package func search(_ search: RunSearch) async throws -> [TrackedRun] {
        guard !search.experimentIDs.isEmpty else { return [] }
        var builder = RunSQL()
        let condition = try builder.conditions(search)
        let sorting = try builder.order(search.order)
        let arguments = builder.arguments + [.integer(search.limit + 1), .integer(search.offset)]
        return try await database.read { connection in
            let rows = try connection.rows(
                "SELECT \(Self.trackedColumns) FROM run r JOIN experiment e ON e.experiment_id = r.experiment_id "
                    + "WHERE \(condition) ORDER BY \(sorting) LIMIT ? OFFSET ?",
                arguments
            )
            return try Self.filled(rows.map(Self.tracked), connection)
        }
    }

    // MARK: - Rows

    private static let trackedColumns =
        "r.run_id, r.name, r.experiment_id, r.user_id, r.status, r.start_time_ms, r.end_time_ms, r.lifecycle_stage, "
        + "COALESCE(e.artifact_location, 'mlflow-artifacts:/' || e.experiment_id), r.run_dir_name"

    private static func tracked(_ row: SQLRow) -> TrackedRun {
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

    private static func tracked(_ id: RunID, _ connection: any SQLConnection) throws -> TrackedRun {
        let rows = try connection.rows(
            "SELECT \(trackedColumns) FROM run r JOIN experiment e ON e.experiment_id = r.experiment_id "
                + "WHERE r.run_id = ?",
            [.text(id.stored)]
        )
        guard let run = try filled(rows.map(tracked), connection).first else { throw missing(id) }
        return run
    }

    /// Adds metrics, params and tags, run by run in one query each.
    private static func filled(_ runs: [TrackedRun], _ connection: any SQLConnection) throws -> [TrackedRun] {
        var runs = runs
        for start in stride(from: 0, to: runs.count, by: 500) {
            let range = start..<min(start + 500, runs.count)
            let ids = runs[range].map { SQLValue.text($0.id.stored) }
            let places = repeatElement("?", count: ids.count).joined(separator: ", ")
            func grouped(_ columns: String, _ table: String) throws -> [String: [SQLRow]] {
                let sql = "SELECT run_id, \(columns) FROM \(table) WHERE run_id IN (\(places)) ORDER BY run_id, key"
                return Dictionary(grouping: try connection.rows(sql, ids)) { $0.text(0) ?? "" }
            }
            let metrics = try grouped("key, value, is_nan, timestamp_ms, step", "latest_metric")
            let params = try grouped("key, value", "param")
            let tags = try grouped("key, value", "tag")
            let inputs = try inputs(of: ids, connection)
            for index in range {
                let id = runs[index].id.stored
                runs[index].metrics = (metrics[id] ?? []).map(point)
                runs[index].params = (params[id] ?? []).map(pair)
                runs[index].tags = (tags[id] ?? []).map(pair)
                runs[index].inputs = inputs[id] ?? []
                if !runs[index].tags.contains(where: { $0.key == runNameTag }) {
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

    static func requireActive(_ id: RunID, _ connection: any SQLConnection) throws {
        let rows = try connection.rows("SELECT lifecycle_stage FROM run WHERE run_id = ?", [.text(id.stored)])
        guard let stage = rows.first?.text(0) else { throw missing(id) }
        guard stage == LifecycleStage.active.rawValue else {
            throw Failure(
                .invalidParameter,
                "The run \(id.stored) must be in the 'active' state. Current state is deleted."
            )
        }
    }

    /// A param may be logged again with the same value and never with another one.
    private static func insert(_ params: [KeyValue], of id: RunID, _ connection: any SQLConnection) throws {
        var changed: [(KeyValue, String)] = []
        for param in params {
            let stored = try connection.rows(
                "SELECT value FROM param WHERE run_id = ? AND key = ?",
                [.text(id.stored), .text(param.key)]
            ).first?.text(0)
            if let stored, !stored.utf8.elementsEqual(param.value.utf8) { changed.append((param, stored)) }
            if stored != nil { continue }
            try connection.execute(
                "INSERT INTO param (run_id, key, value) VALUES (?, ?, ?)",
                [.text(id.stored), .text(param.key), .text(param.value)]
            )
        }
        guard let (first, old) = changed.first else { return }
        if params.count == 1 {
            throw Failure(
                .invalidParameter,
                "Changing param values is not allowed. Param with key='\(first.key)' was already logged with "
                    + "value='\(old)' for run ID='\(id.stored)'. Attempted logging new value '\(first.value)'."
            )
        }
        let list = changed.map { "{'key': '\($0.0.key)', 'old_value': '\($0.1)', 'new_value': '\($0.0.value)'}" }
        throw Failure(
            .invalidParameter,
            "Changing param values is not allowed. Params were already logged='[\(list.joined(separator: ", "))]' "
                + "for run ID='\(id.stored)'."
        )
    }

    private static func upsert(_ tag: KeyValue, run id: RunID, _ connection: any SQLConnection) throws {
        try connection.execute(
            "INSERT INTO tag (run_id, key, value) VALUES (?, ?, ?) "
                + "ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value",
            [.text(id.stored), .text(tag.key), .text(tag.value)]
        )
        guard tag.key == runNameTag else { return }
        try connection.execute("UPDATE run SET name = ? WHERE run_id = ?", [.text(tag.value), .text(id.stored)])
    }

    private static func missing(_ id: RunID) -> Failure {
        Failure(.resourceNotFound, "Run with id=\(id.stored) not found")
    }
}
