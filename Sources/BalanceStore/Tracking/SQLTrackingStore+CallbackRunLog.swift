package import BalanceCore

extension SQLTrackingStore: CallbackRunLog {
    package func createRun(_ start: RunStart, then: @escaping @Sendable (Result<TrackedRun, any Error>) -> Void) {
        database.writeTogether(
            { connection in
                try Self.requireActive(start.experimentID, connection)
                let rows = try connection.rows(
                    "INSERT INTO run (run_id, experiment_id, name, status, created_at, start_time_ms, user_id, "
                        + "account_id) VALUES (?, ?, ?, 'RUNNING', ?, ?, ?, ?) RETURNING seq",
                    [
                        .text(start.id.stored), .integer(start.experimentID), .text(start.name),
                        .text(start.startedAt.iso8601), .integer(start.startedAt.milliseconds), .text(start.userID),
                        .optional(start.accountID),
                    ]
                )
                guard let run = rows.first?.integer(0) else { throw Self.missing(start.id) }
                for tag in start.tags { try Self.upsert(tag, run: run, connection) }
                return try Self.started(start, run, connection)
            },
            then: then
        )
    }

    package func log(_ batch: LogBatch, to id: RunID, then: @escaping @Sendable (Result<Void, any Error>) -> Void) {
        database.writeTogether(
            { connection in
                let run = try Self.requireActive(id, connection)
                try Self.insert(batch.params, of: (id, run), connection)
                if !batch.metrics.isEmpty { try RunRows.insert(batch.metrics, ofRow: run, connection) }
                for metric in batch.modelMetrics { try LoggedModelRows.insert(metric, connection) }
                for tag in batch.tags { try Self.upsert(tag, run: run, connection) }
            },
            then: then
        )
    }

    package func trackedRun(_ id: RunID, then: @escaping @Sendable (Result<TrackedRun, any Error>) -> Void) {
        database.read({ try Self.tracked(id, $0) }, then: then)
    }

    /// A run that has nothing yet but its tags.
    private static func started(_ start: RunStart, _ row: Int, _ connection: any SQLConnection) throws -> TrackedRun {
        let rows = try connection.rows(
            "SELECT \(trackedColumns) FROM \(trackedSource) WHERE r.seq = ?",
            [.integer(row)]
        )
        guard var run = rows.first.map(tracked) else { throw missing(start.id) }
        // As they are read: by their keys, the last where one stands twice, and the run's name among them.
        for tag in start.tags {
            run.tags.removeAll { $0.key.utf8.elementsEqual(tag.key.utf8) }
            run.tags.append(tag)
        }
        run.tags.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        if !run.tags.contains(where: { $0.key == runNameTag }) {
            run.tags.append(KeyValue(key: runNameTag, value: run.name))
        }
        return run
    }

    /// A param may be logged again with the same value and never with another one.
    private static func insert(
        _ params: [KeyValue],
        of run: (id: RunID, row: Int),
        _ connection: any SQLConnection
    ) throws {
        var changed: [(KeyValue, String)] = []
        for param in params {
            let stored = try connection.rows(
                "SELECT value FROM param WHERE run_seq = ? AND key = ?",
                [.integer(run.row), .text(param.key)]
            ).first?.text(0)
            if let stored, !stored.utf8.elementsEqual(param.value.utf8) { changed.append((param, stored)) }
            if stored != nil { continue }
            try connection.execute(
                "INSERT INTO param (run_seq, key, value) VALUES (?, ?, ?)",
                [.integer(run.row), .text(param.key), .text(param.value)]
            )
        }
        guard let (first, old) = changed.first else { return }
        if params.count == 1 {
            throw Failure(
                .invalidParameter,
                "Changing param values is not allowed. Param with key='\(first.key)' was already logged with "
                    + "value='\(old)' for run ID='\(run.id.stored)'. Attempted logging new value '\(first.value)'."
            )
        }
        let list = changed.map { "{'key': '\($0.0.key)', 'old_value': '\($0.1)', 'new_value': '\($0.0.value)'}" }
        throw Failure(
            .invalidParameter,
            "Changing param values is not allowed. Params were already logged='[\(list.joined(separator: ", "))]' "
                + "for run ID='\(run.id.stored)'."
        )
    }
}
