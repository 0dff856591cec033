import BalanceCore

/// The rows that belong to a run, written the same way by the store and by the migration.
enum RunRows {
    /// Stores the parameters flat: nested objects by their path, as `dataset.params.path`; a list as its JSON text.
    static func insertParams(_ params: JSONValue?, of run: String, _ connection: any SQLConnection) throws {
        for (key, value) in flatten(params ?? .null) {
            try connection.execute(
                "INSERT INTO param (run_id, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [.text(run), .text(key), .text(value)]
            )
        }
    }

    static func insert(_ metric: Metric, of run: String, at moment: Timestamp, _ connection: any SQLConnection) throws {
        let value: SQLValue = metric.value.isNaN ? .null : .real(metric.value)
        let values: [SQLValue] = [
            .text(run), .text(metric.key), value, .integer(metric.value.isNaN ? 1 : 0), .integer(0),
            .integer(moment.milliseconds),
        ]
        let columns = "(run_id, key, value, is_nan, step, timestamp_ms) VALUES (?, ?, ?, ?, ?, ?)"
        try connection.execute("INSERT INTO metric \(columns)", values)
        try connection.execute(
            "INSERT INTO latest_metric \(columns) ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value, "
                + "is_nan = excluded.is_nan, step = excluded.step, timestamp_ms = excluded.timestamp_ms",
            values
        )
    }

    /// Records a file once, however often it is said.
    static func insert(_ artifact: ArtifactRecord, of run: String, _ connection: any SQLConnection) throws {
        let values: [SQLValue] = [.text(run), .text(artifact.kind), .text(artifact.path)]
        try connection.execute(
            "INSERT INTO run_artifact (run_id, kind, path) SELECT ?, ?, ? WHERE NOT EXISTS "
                + "(SELECT 1 FROM run_artifact WHERE run_id = ? AND kind = ? AND path = ?)",
            values + values
        )
    }

    private static func flatten(_ value: JSONValue, prefix: String = "") -> [(String, String)] {
        if let members = value.members {
            return members.flatMap { key, member in flatten(member, prefix: prefix.isEmpty ? key : "\(prefix).\(key)") }
        }
        if prefix.isEmpty { return [] }
        return [(prefix, value.string ?? value.text())]
    }
}
