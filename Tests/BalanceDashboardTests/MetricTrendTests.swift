import BalanceSystem
import BalanceCore
import Testing

@testable import BalanceDashboard

struct MetricTrendTests {
    /// The newest first, as the store answers.
    private let runs = [["acc": 0.9, "loss": 3.0], ["acc": 0.8], ["loss": 5.0], [:], ["acc": .nan]].map { metrics in
        RunSummary(
            id: RunID(),
            createdAt: "2026-02-16T19:46:48+00:00",
            git: GitInfo(),
            note: nil,
            kind: nil,
            status: .finished,
            metrics: metrics.map { Metric($0.key, $0.value) },
            runDirName: nil
        )
    }

    @Test func `runs without any of the metrics are left out and the oldest comes first`() {
        let trend = MetricTrend(newestFirst: runs, metrics: ["acc", "loss"], points: 10, dropsMissing: false)
        #expect(trend.series.map(\.values) == [[nil, 0.8, 0.9], [5, nil, 3]])
    }

    @Test func `runs that lack one of the metrics are left out on request`() {
        let trend = MetricTrend(newestFirst: runs, metrics: ["acc", "loss"], points: 10, dropsMissing: true)
        #expect(trend.series.map(\.values) == [[0.9], [3]])
    }

    @Test func `only the newest points are drawn`() {
        let trend = MetricTrend(newestFirst: runs, metrics: ["acc"], points: 1, dropsMissing: false)
        #expect(trend.series.map(\.values) == [[0.9]])
        #expect(trend.lines.map(\.points) == ["360.0,205.0"])
    }
}
