import BalanceCore

/// The values of some metrics over some runs, oldest first.
struct MetricTrend {
    /// One metric; nil where a run has no finite value of it.
    struct Series {
        var name: String
        var values: [Double?]
    }

    private(set) var runs: [RunSummary]
    private(set) var series: [Series]

    /// - Parameters:
    ///   - newestFirst: The runs that the filter shows.
    ///   - metrics: The keys to draw, in this order.
    ///   - points: How many of the newest runs are drawn.
    ///   - dropsMissing: Whether a run that lacks one of the metrics is left out.
    init(newestFirst: [RunSummary], metrics: [String], points: Int, dropsMissing: Bool) {
        let drawn = newestFirst.filter { run in
            let found = metrics.filter { run.metrics.value(of: $0)?.isFinite ?? false }
            return dropsMissing ? found.count == metrics.count : !found.isEmpty
        }
        runs = Array(drawn.prefix(points).reversed())
        let shown = runs
        series = metrics.map { name in
            Series(name: name, values: shown.map { $0.metrics.value(of: name).flatMap { $0.isFinite ? $0 : nil } })
        }
    }

    /// What the chart script draws.
    func json(_ times: TimeDisplay) -> String {
        JSONValue.object([
            ("labels", .strings(runs.map { $0.title })),
            ("times", .strings(runs.map { times.cell($0.createdAt).text })),
            (
                "series",
                .array(
                    series.map { line in
                        let values = line.values.map { $0.map(JSONValue.double) ?? .null }
                        return .object([("name", .string(line.name)), ("values", .array(values))])
                    }
                )
            ),
        ]).text()
    }

    /// The same as lines of a picture of 720 by 220, for pages without scripts.
    var lines: [(className: String, points: String)] {
        let all = series.flatMap { $0.values.compactMap { $0 } }
        guard let low = all.min(), let high = all.max() else { return [] }
        let range = high > low ? high - low : 1
        return series.enumerated().map { index, line in
            let points = line.values.enumerated().compactMap { place, value -> String? in
                guard let value else { return nil }
                let x = runs.count > 1 ? 20 + Double(place) * 680 / Double(runs.count - 1) : 360
                let y = 205 - (value - low) / range * 190
                return "\(Self.short(x)),\(Self.short(y))"
            }
            return ("s\(index % 8)", points.joined(separator: " "))
        }
    }

    private static func short(_ number: Double) -> String { "\((number * 10).rounded() / 10)" }
}
