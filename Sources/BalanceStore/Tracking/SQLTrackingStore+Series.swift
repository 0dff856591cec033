package import BalanceCore

extension SQLTrackingStore {
    /// Points that are read one by one; of more, the database makes groups.
    private static let pointsRead = 20_000
    /// How many groups the database makes of a long history, by time.
    private static let groups = 4096

    package func series(of key: String, run: RunID, _ view: SeriesView) async throws -> MetricSeries {
        try await database.read { connection in
            var series = MetricSeries()
            guard let first = try Self.end("ASC", key, run, connection) else { return series }
            (series.firstTime, series.firstStep) = (first.integer(2) ?? 0, first.integer(3) ?? 0)
            let (condition, arguments) = Self.shown(view)
            let rows = try connection.rows(
                "SELECT value, is_nan, timestamp_ms, step FROM metric m WHERE \(Self.place)\(condition) LIMIT ?",
                [.text(run.stored), .text(key)] + arguments + [.integer(Self.pointsRead + 1)]
            )
            if rows.count <= Self.pointsRead {
                Self.exact(rows, view, &series)
            } else {
                try Self.grouped(key, run, view, &series, connection)
            }
            return series
        }
    }

    private static func shown(_ view: SeriesView) -> (String, [SQLValue]) {
        guard let range = view.range else { return ("", []) }
        let column = view.axis == .step ? "step" : "timestamp_ms"
        return (" AND m.\(column) BETWEEN ? AND ?", [.integer(range.lowerBound), .integer(range.upperBound)])
    }

    private static func end(
        _ direction: String,
        _ key: String,
        _ run: RunID,
        _ connection: any SQLConnection
    ) throws -> SQLRow? {
        let order = ["timestamp_ms", "step", "value", "is_nan"].map { "\($0) \(direction)" }.joined(separator: ", ")
        return try connection.rows(
            "SELECT value, is_nan, timestamp_ms, step FROM metric m WHERE \(place) ORDER BY \(order) LIMIT 1",
            [.text(run.stored), .text(key)]
        ).first
    }

    /// Each point is known; of those of one step the latest holds.
    private static func exact(_ rows: [SQLRow], _ view: SeriesView, _ series: inout MetricSeries) {
        let points = rows.map { row -> (x: Int, time: Int, value: Double) in
            let (time, step) = (row.integer(2) ?? 0, row.integer(3) ?? 0)
            return (view.axis == .step ? step : time, time, RunRows.value(row, 0))
        }.sorted { ($0.x, $0.time) < ($1.x, $1.time) }
        series.count = points.count
        series.nanCount = points.count { $0.value.isNaN }
        series.infiniteCount = points.count { $0.value.isInfinite }
        var columns: [SeriesColumn] = []
        for point in points {
            let column = SeriesColumn(x: point.x, value: point.value)
            if view.axis == .step, columns.last?.x == point.x, !point.value.isNaN {
                columns[columns.count - 1] = column
            } else {
                columns.append(column)
            }
        }
        series.fill(columns, view)
    }

    /// Groups of neighbours on the axis, made where the points are.
    private static func grouped(
        _ key: String,
        _ run: RunID,
        _ view: SeriesView,
        _ series: inout MetricSeries,
        _ connection: any SQLConnection
    ) throws {
        let place: [SQLValue] = [.text(run.stored), .text(key)]
        let (condition, arguments) = shown(view)
        let finite = "is_nan = 0 AND value BETWEEN -1.7e308 AND 1.7e308"
        let x = view.axis == .step ? "step" : "timestamp_ms"
        let source = "FROM metric m WHERE \(Self.place)\(condition)"
        let ends = try connection.rows("SELECT MIN(\(x)), MAX(\(x)) \(source)", place + arguments).first
        guard let from = ends?.integer(0), let to = ends?.integer(1) else { return }
        // A client may log any step of 64 bits.
        let (span, isTooLarge) = to.subtractingReportingOverflow(from)
        let width = max((isTooLarge ? Int.max : span) / groups + 1, 1)
        let rows = try connection.rows(
            "SELECT MAX(\(x)), COUNT(*), SUM(is_nan), SUM(\(finite)), MIN(CASE WHEN \(finite) THEN value END), "
                + "MAX(CASE WHEN \(finite) THEN value END), SUM(CASE WHEN \(finite) THEN value END), MIN(\(x)) "
                + "\(source) GROUP BY \(x) / ? ORDER BY 1",
            place + arguments + [.integer(width)]
        )
        var columns: [SeriesColumn] = []
        for row in rows {
            let (all, nan, count) = (row.integer(1) ?? 0, row.integer(2) ?? 0, row.integer(3) ?? 0)
            series.count += all
            series.nanCount += nan
            series.infiniteCount += all - nan - count
            let (low, high, sum) = (row.real(4) ?? .nan, row.real(5) ?? .nan, row.real(6) ?? 0)
            // The mean stands for the last value: between neighbours in a group of many nobody sees the difference.
            let middle = count > 0 ? sum / Double(count) : .nan
            var column = SeriesColumn(
                x: row.integer(0) ?? 0,
                last: middle,
                low: low,
                high: high,
                sum: sum,
                count: count
            )
            column.isNaN = nan > 0
            column.isInfinite = all - nan - count > 0
            columns.append(column)
        }
        // The end of a curve is what people read: there the last value is the last value.
        let newest = try connection.rows(
            "SELECT value, is_nan, timestamp_ms, step \(source) ORDER BY \(x) DESC, timestamp_ms DESC, value DESC LIMIT 1",
            place + arguments
        ).first.map { RunRows.value($0, 0) }
        if let newest, newest.isFinite, !columns.isEmpty { columns[columns.count - 1].last = newest }
        series.fill(columns, view)
    }
}
