import BalanceCore

/// The rows that belong to a run, written the same way by the store and by the migration.
enum RunRows {
    /// Stores the parameters flat: nested objects by their path, as `dataset.params.path`; a list as its JSON text.
    static func insertParams(_ params: JSONValue?, of run: String, _ connection: any SQLConnection) throws {
        let pairs = flatten(params ?? .null)
        guard !pairs.isEmpty else { return }
        let row = try sequence(of: run, connection)
        try connection.execute(
            "INSERT INTO param (run_seq, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            each: pairs.map { [.integer(row), .text($0.0), .text($0.1)] }
        )
    }

    /// The row of a run.
    static func sequence(of run: String, _ connection: any SQLConnection) throws -> Int {
        guard let found = try connection.rows("SELECT seq FROM run WHERE run_id = ?", [.text(run)]).first?.integer(0)
        else { throw Failure(.runNotFound, "run \(run) does not exist") }
        return found
    }

    /// The number of a metric's key, which it gets when it is first written.
    private static func number(of key: String, _ connection: any SQLConnection) throws -> Int {
        let known = try connection.rows("SELECT key_id FROM metric_key WHERE key = ?", [.text(key)])
        let rows =
            known.isEmpty
            ? try connection.rows("INSERT INTO metric_key (key) VALUES (?) RETURNING key_id", [.text(key)]) : known
        guard let number = rows.first?.integer(0) else { throw Failure(.internalError, "no number assigned to a key") }
        return number
    }

    /// Finds a metric's key by its text: an SQL term with a place for it.
    static let keyNumber = "(SELECT k.key_id FROM metric_key k WHERE k.key = ?)"

    /// Adds points to the history; of each key the one whose step, time and value are the greatest so far is the latest.
    ///
    /// NaN stands as 0 with a mark, because no database can compare it.
    static func insert(_ points: [MetricPoint], ofRow run: Int, _ connection: any SQLConnection) throws {
        let columns = "(run_seq, key_id, value, is_nan, step, timestamp_ms) VALUES (?, ?, ?, ?, ?, ?)"
        func row(_ point: MetricPoint, _ key: Int) -> [SQLValue] {
            [
                .integer(run), .integer(key), .real(point.value.isNaN ? 0 : point.value),
                .integer(point.value.isNaN ? 1 : 0), .integer(point.step), .integer(point.timestamp.milliseconds),
            ]
        }
        var keys: [ByteText: Int] = [:]
        var greatest: [Int: MetricPoint] = [:]
        // In slices, as an import brings millions.
        for start in stride(from: 0, to: points.count, by: 5000) {
            let rows = try points[start..<min(start + 5000, points.count)].map { point in
                let text = ByteText(point.key)
                let key = try keys[text] ?? number(of: point.key, connection)
                keys[text] = key
                if greatest[key].map({ order($0) < order(point) }) ?? true { greatest[key] = point }
                return row(point, key)
            }
            try connection.execute("INSERT INTO metric \(columns) ON CONFLICT DO NOTHING", each: rows)
        }
        try connection.execute(
            "INSERT INTO latest_metric \(columns) ON CONFLICT (run_seq, key_id) DO UPDATE SET value = excluded.value, "
                + "is_nan = excluded.is_nan, step = excluded.step, timestamp_ms = excluded.timestamp_ms "
                + "WHERE (excluded.step, excluded.timestamp_ms, excluded.value) "
                + "> (latest_metric.step, latest_metric.timestamp_ms, latest_metric.value)",
            each: greatest.sorted { $0.key < $1.key }.map { row($0.value, $0.key) }
        )
    }

    static func insert(_ points: [MetricPoint], of run: String, _ connection: any SQLConnection) throws {
        guard !points.isEmpty else { return }
        try insert(points, ofRow: sequence(of: run, connection), connection)
    }

    /// What decides which of two points of a key is the later one.
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
