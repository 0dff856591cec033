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

    /// Adds points to the history; of each key the one whose step, time and value are the greatest so far is the latest.
    ///
    /// NaN stands as 0 with a mark, because no database can compare it.
    static func insert(_ points: [MetricPoint], of run: String, _ connection: any SQLConnection) throws {
        let columns = "(run_id, key, value, is_nan, step, timestamp_ms) VALUES (?, ?, ?, ?, ?, ?)"
        let rows = points.map { point -> [SQLValue] in
            [
                .text(run), .text(point.key), .real(point.value.isNaN ? 0 : point.value),
                .integer(point.value.isNaN ? 1 : 0), .integer(point.step), .integer(point.timestamp.milliseconds),
            ]
        }
        try connection.execute("INSERT INTO metric \(columns) ON CONFLICT DO NOTHING", each: rows)
        try connection.execute(
            "INSERT INTO latest_metric \(columns) ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value, "
                + "is_nan = excluded.is_nan, step = excluded.step, timestamp_ms = excluded.timestamp_ms "
                + "WHERE (excluded.step, excluded.timestamp_ms, excluded.value) "
                + "> (latest_metric.step, latest_metric.timestamp_ms, latest_metric.value)",
            each: greatest(points).map { rows[$0] }
        )
    }

    static func insert(_ point: MetricPoint, of run: String, _ connection: any SQLConnection) throws {
        try insert([point], of: run, connection)
    }

    /// The places of the points that can become the latest of their keys, by the same order that the statement asks for.
    private static func greatest(_ points: [MetricPoint]) -> [Int] {
        guard points.count > 1 else { return Array(points.indices) }
        var places: [ByteText: Int] = [:]
        for (index, point) in points.enumerated() {
            let key = ByteText(point.key)
            guard let known = places[key] else {
                places[key] = index
                continue
            }
            if order(points[known]) < order(point) { places[key] = index }
        }
        return places.values.sorted()
    }

    private static func order(_ point: MetricPoint) -> (Int, Int, Double) {
        (point.step, point.timestamp.milliseconds, point.value.isNaN ? 0 : point.value)
    }

    /// The value of a metric's row, from the columns `value` and `is_nan`.
    static func value(_ row: SQLRow, _ column: Int) -> Double {
        row.integer(column + 1) == 1 ? .nan : row.real(column) ?? .nan
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
