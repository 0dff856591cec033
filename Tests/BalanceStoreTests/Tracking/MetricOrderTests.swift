import BalanceSystem
import BalanceCore
import BalanceTestSupport
import Testing

@testable import BalanceStore

/// Runs sorted by a metric come along its index while there are enough; pages must not show where that ends.
struct MetricOrderTests {
    private let folder: TemporaryFolder
    private let database: SQLiteDatabase
    private let store: SQLTrackingStore

    init() throws {
        folder = try TemporaryFolder()
        database = try SQLiteDatabase(path: folder("order.db"))
        store = SQLTrackingStore(database: database)
    }

    /// How SQLite would find the rows.
    private func plan(_ sql: String, _ values: [SQLValue]) async throws -> String {
        try await database.read { connection in
            try connection.freshRows("EXPLAIN QUERY PLAN " + sql, values).compactMap { $0.text(3) }.joined(
                separator: "\n"
            )
        }
    }

    @Test(arguments: ["", "metrics.other > 20"])
    func `a search by a metric goes along its index and sorts nothing`(text: String) async throws {
        let filter = text.isEmpty ? nil : try SearchFilter.parse(text, dialect: .extended)
        let order = [SearchFilter.Order(identifier: .init(entity: "metrics", key: "m"), isAscending: false)]
        let search = RunSearch(experimentIDs: [0], query: SearchQuery(filter: filter, order: order))
        var builder = RunSQL()
        let whole = PagedSQL(
            columns: "r.run_id",
            source: "run r JOIN experiment e ON e.experiment_id = r.experiment_id",
            condition: try builder.conditions(search),
            arguments: builder.arguments,
            order: try builder.order(order)
        )
        let quick = try #require(RunSQL.along(order, whole))
        let (sql, values) = try quick.query(limit: 101, after: nil)
        let plan = try await plan(sql, values)
        #expect(plan.contains("SEARCH m USING COVERING INDEX latest_metric_value (key_id=? AND is_nan=?)"), "\(plan)")
        #expect(!plan.contains("USE TEMP B-TREE FOR ORDER BY"), "\(plan)")
        if filter != nil { #expect(plan.contains("SEARCH x USING COVERING INDEX latest_metric_value"), "\(plan)") }
    }

    @Test func `the newest runs and the points of a history are found by an index`() async throws {
        let newest = try await plan(
            "SELECT run_id FROM run WHERE lifecycle_stage = 'active' ORDER BY start_time_ms DESC, seq DESC LIMIT 1",
            []
        )
        #expect(newest.contains("USING INDEX run_newest") && !newest.contains("TEMP B-TREE"))
        let history = try await plan(
            "SELECT value FROM metric WHERE run_seq = ? AND key_id = ? AND timestamp_ms >= ? "
                + "ORDER BY timestamp_ms, step, value, is_nan LIMIT 1",
            [.integer(1), .integer(1), .integer(1)]
        )
        #expect(history.contains("SEARCH metric USING PRIMARY KEY") && !history.contains("TEMP B-TREE"))
    }

    @Test func `the params, tags and children of a run are found by an index`() async throws {
        for table in ["param", "tag"] {
            let row = "SELECT 1 FROM \(table) x WHERE x.run_seq = r.seq AND x.key = ? AND x.value = ?"
            let plan = try await plan("SELECT r.seq FROM run r WHERE EXISTS (\(row))", [.text("a"), .text("b")])
            #expect(plan.contains("SEARCH x USING PRIMARY KEY (run_seq=? AND key=?)"), "\(plan)")
        }
        let children = try await plan(
            "SELECT t.run_seq FROM tag t WHERE t.value = ? AND t.key = '\(parentRunTag)'",
            [.text("a")]
        )
        #expect(children.contains("INDEX tag_parent"), "\(children)")
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

    @Test func `a history goes on where its page ended, along the index`() async throws {
        let id = RunID()
        _ = try await store.createRun(
            RunStart(id: id, experimentID: 0, name: "h", userID: "", startedAt: Timestamp(milliseconds: 1), tags: [])
        )
        let points = (0..<60).map { index in
            MetricPoint(
                key: "m",
                value: index % 9 == 0 ? .nan : Double(index % 4) - 1.5,
                timestamp: Timestamp(milliseconds: index % 5),
                step: index % 3 - 1
            )
        }
        try await store.log(
            LogBatch(metrics: points + [MetricPoint(key: "n", value: 1, timestamp: .now(), step: 0)]),
            to: id
        )
        let whole = try await store.history(of: "m", run: id, limit: 1000, after: nil).items
        #expect(Set(whole.map { "\($0)" }) == Set(points.map { "\($0)" }))
        for limit in [1, 7, 30] {
            var (found, after) = ([MetricPoint](), String?.none)
            repeat {
                let page = try await store.history(of: "m", run: id, limit: limit, after: after)
                (found, after) = (found + page.items, page.next)
            } while after != nil
            #expect(found.map { "\($0)" } == whole.map { "\($0)" })
        }
        let next = try await store.history(of: "m", run: id, limit: 7, after: nil).next
        await #expect(throws: Failure.self) { try await store.history(of: "n", run: id, limit: 7, after: next) }
        let plan = try await plan(
            "SELECT value FROM metric WHERE run_seq = ? AND key_id = ? AND (timestamp_ms, step, value, is_nan) > (?, ?, ?, ?) "
                + "ORDER BY timestamp_ms, step, value, is_nan LIMIT 9",
            [.integer(1), .integer(1), .integer(1), .integer(1), .real(1), .integer(0)]
        )
        #expect(plan.contains("is_nan)>(") && !plan.contains("TEMP B-TREE"), "\(plan)")
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
