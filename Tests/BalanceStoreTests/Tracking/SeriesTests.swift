import BalanceCore
import BalanceStore
import BalanceSystem
import BalanceTestSupport
import Foundation
import Testing

/// Curves are thinned, and nothing that stands out is lost.
struct SeriesTests {
    let folder: TemporaryFolder
    let store: SQLTrackingStore
    let run = RunID()

    init() async throws {
        folder = try TemporaryFolder()
        store = SQLTrackingStore(database: try SQLiteDatabase(path: folder("b.db")))
        _ = try await store.createRun(
            RunStart(id: run, experimentID: 0, name: "r", userID: "", startedAt: .now(), tags: [])
        )
    }

    private func log(_ values: [Double], step: (Int) -> Int = { $0 }) async throws {
        for start in stride(from: 0, to: values.count, by: 1000) {
            let points = (start..<min(start + 1000, values.count)).map { index in
                MetricPoint(
                    key: "m",
                    value: values[index],
                    timestamp: Timestamp(milliseconds: 1_000_000 + index * 10),
                    step: step(index)
                )
            }
            try await store.log(LogBatch(metrics: points), to: run)
        }
    }

    private func series(
        _ columns: Int,
        _ range: ClosedRange<Int>? = nil,
        _ axis: SeriesView.Axis = .step
    ) async throws
        -> MetricSeries
    {
        try await store.series(of: "m", run: run, SeriesView(axis: axis, range: range, columns: columns))
    }

    /// Numbers with spikes, NaN and infinity at places of their own.
    private static func values(_ count: Int) -> [Double] {
        (0..<count).map { index in
            switch index {
            case count / 3: 1e6
            case count / 2: -1e6
            case 17: .nan
            case 23: .infinity
            default: sin(Double(index) / 50)
            }
        }
    }

    @Test(arguments: [60, 200, 601, 4000], [50, 3000, 25_000])
    func `extremes, counts and the ends are those of all points`(columns: Int, count: Int) async throws {
        let values = Self.values(count)
        try await log(values)
        let found = try await series(columns)
        let finite = values.filter(\.isFinite)
        #expect(found.count == count)
        #expect(found.nanCount == values.count(where: \.isNaN))
        #expect(found.infiniteCount == values.count { $0.isInfinite })
        #expect(found.columns.map(\.low).filter(\.isFinite).min() == finite.min())
        #expect(found.columns.map(\.high).filter(\.isFinite).max() == finite.max())
        #expect(found.columns.reduce(0) { $0 + $1.count } == finite.count)
        #expect(found.columns.last?.x == count - 1)
        #expect(found.columns.count <= max(columns, 60) + 1)
        #expect(found.columns.map(\.x) == found.columns.map(\.x).sorted())
    }

    @Test func `a zoomed part has its points`() async throws {
        try await log(Self.values(25_000))
        let found = try await series(600, 12_400...12_600)
        #expect(found.isExact)
        #expect(found.count == 201)
        #expect(found.columns.contains { $0.low == -1e6 })
        let byTime = try await series(600, 1_124_000...1_126_000, .time)
        #expect(byTime.columns.map(\.x) == (0...200).map { 1_124_000 + $0 * 10 })
    }

    @Test func `of points of one step the latest holds`() async throws {
        try await log([1, 2, 3, 4]) { $0 / 2 }
        let found = try await series(100)
        #expect(found.columns.map(\.last) == [2, 4])
        #expect(found.columns.map(\.x) == [0, 1])
    }

    @Test func `a metric without points has an empty series`() async throws {
        #expect(try await series(100).count == 0)
    }
}
