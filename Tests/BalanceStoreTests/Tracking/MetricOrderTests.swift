import BalanceCore
import BalanceStore
import BalanceTestSupport
import Testing

/// Runs sorted by a metric come along its index while there are enough; pages must not show where that ends.
struct MetricOrderTests {
    private let folder: TemporaryFolder
    private let store: SQLTrackingStore

    init() throws {
        folder = try TemporaryFolder()
        store = SQLTrackingStore(database: try SQLiteDatabase(path: folder("order.db")))
    }

    /// Runs with ties, NaN and missing values.
    private func fill(_ count: Int) async throws {
        for index in 0..<count {
            let id = RunID()
            _ = try await store.createRun(
                RunStart(
                    id: id,
                    experimentID: 0,
                    name: "r\(index)",
                    userID: "",
                    startedAt: Timestamp(milliseconds: index % 7),
                    tags: []
                )
            )
            let value = index % 11 == 3 ? Double.nan : Double(index * 5 % 13)
            var metrics = [
                MetricPoint(key: "other", value: Double(index), timestamp: Timestamp(milliseconds: 1), step: 0)
            ]
            if index % 6 != 1 {
                metrics.append(MetricPoint(key: "m", value: value, timestamp: Timestamp(milliseconds: 1), step: 0))
            }
            try await store.log(LogBatch(metrics: metrics), to: id)
        }
    }

    private func search(_ isAscending: Bool, filter: SearchFilter?, limit: Int) async throws -> [RunID] {
        let order = SearchFilter.Order(identifier: .init(entity: "metrics", key: "m"), isAscending: isAscending)
        var found: [RunID] = []
        var after: String?
        repeat {
            let query = SearchQuery(filter: filter, order: [order], limit: limit, after: after)
            let page = try await store.search(RunSearch(experimentIDs: [0], query: query))
            found += page.items.map(\.id)
            after = page.next
        } while after != nil
        return found
    }

    @Test(
        arguments: [true, false],
        ["", "metrics.other > 20", "metrics.other > 20 AND metrics.m < 9", "metrics.m != 4"]
    )
    func `pages hold what one page holds`(isAscending: Bool, text: String) async throws {
        try await fill(80)
        let filter = text.isEmpty ? nil : try SearchFilter.parse(text, dialect: .extended)
        let whole = try await search(isAscending, filter: filter, limit: 1000)
        #expect(whole.count == Set(whole).count)
        for limit in [1, 3, 7, 40] {
            #expect(try await search(isAscending, filter: filter, limit: limit) == whole)
        }
    }

    @Test func `a long history is thinned without counting it`() async throws {
        let id = RunID()
        _ = try await store.createRun(
            RunStart(id: id, experimentID: 0, name: "long", userID: "", startedAt: Timestamp(milliseconds: 1), tags: [])
        )
        for start in stride(from: 0, to: 210_000, by: 70_000) {
            let points = (start..<start + 70_000).map {
                MetricPoint(key: "m", value: Double($0), timestamp: Timestamp(milliseconds: $0 * 10), step: $0)
            }
            try await store.log(LogBatch(metrics: points), to: id)
        }
        let sample = try await store.sample(of: "m", run: id, steps: .min ... .max, limit: 100)
        #expect(sample.count == 100)
        #expect(sample.first?.step == 0 && sample.last?.step == 209_999)
        for (before, next) in zip(sample, sample.dropFirst()) {
            #expect((2000...2300).contains(next.step - before.step))
        }
    }
}
