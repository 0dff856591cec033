import BalanceSystem
import BalanceCore
import BalanceStore
import Foundation

/// Times what requests are made of: `BalanceBench kernels` prints one line each, a name, a number and its unit.
enum Kernels {
    static func run() async throws {
        try scan()
        for writers in [1, 8, 64] { try await commit(writers) }
        try await points()
        try await search()
    }

    /// The JSON of a batch of a thousand points, in megabytes a second.
    private static func scan() throws {
        let points = (0..<1000).map {
            #"{"key": "loss", "value": \#(Double($0) / 7), "timestamp": \#($0), "step": \#($0)}"#
        }
        let text = Array(("{\"metrics\": [" + points.joined(separator: ", ") + "]}").utf8)
        var found = 0
        let nanoseconds = try median(50) { found += try JSONValue(parsing: text)["metrics"]?.elements?.count ?? 0 }
        guard found == 50_000 else { throw Failure(.internalError, "the batch was not read") }
        show("JSON of a batch of 1000 points", Double(text.count) * 1000 / nanoseconds, "MB/s")
    }

    /// One point a commit from several writers, who each wait for the answer before the next.
    private static func commit(_ writers: Int) async throws {
        let (store, run) = try await storeWithRun()
        let each = 4000 / writers
        let begin = Monotonic.now()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    for step in 0..<each {
                        let moment = Timestamp(milliseconds: writer)
                        let point = MetricPoint(key: "m", value: 0.5, timestamp: moment, step: step)
                        try await store.log(LogBatch(metrics: [point]), to: run)
                    }
                }
            }
            try await group.waitForAll()
        }
        let seconds = Double(Monotonic.now() - begin) / 1e9
        show("durable writes of \(writers) at once", Double(each * writers) / seconds, "writes/s")
    }

    /// Batches of a thousand points, one after the other.
    private static func points() async throws {
        let (store, run) = try await storeWithRun()
        let begin = Monotonic.now()
        for batch in 0..<200 {
            let points = (0..<1000).map { index in
                let step = batch * 1000 + index
                return MetricPoint(key: "m", value: 0.5, timestamp: Timestamp(milliseconds: step), step: step)
            }
            try await store.log(LogBatch(metrics: points), to: run)
        }
        show("points in batches of 1000", 200_000 / (Double(Monotonic.now() - begin) / 1e9), "points/s")
    }

    /// The first hundred of 20 000 runs, filtered by a metric and sorted by another.
    private static func search() async throws {
        let database = try SQLiteDatabase(path: temporary())
        let size = RunSeed.Size(runs: 20_000, metrics: 4, params: 2, points: 0)
        let (experiment, _) = try await RunSeed(database: database, seed: 1).fill(size) { _ in }
        let store = SQLTrackingStore(database: database)
        let query = SearchQuery(
            filter: try SearchFilter.parse("metrics.metric_1 > 0.5", dialect: .extended),
            order: [.init(identifier: .init(entity: "metrics", key: "metric_3"), isAscending: false)],
            limit: 100
        )
        var times: [UInt64] = []
        for _ in 0..<30 {
            let begin = Monotonic.now()
            let found = try await store.search(RunSearch(experimentIDs: [experiment], query: query)).items.count
            guard found == 100 else { throw Failure(.internalError, "the search found \(found)") }
            times.append(Monotonic.now() - begin)
        }
        times.sort()
        show("search 100 of 20 000 runs by metrics", Double(times[15]) / 1e6, "ms")
    }

    private static func storeWithRun() async throws -> (SQLTrackingStore, RunID) {
        let store = SQLTrackingStore(database: try SQLiteDatabase(path: temporary()))
        let moment = Timestamp(milliseconds: 1)
        let start = RunStart(id: RunID(), experimentID: 0, name: "bench", userID: "", startedAt: moment, tags: [])
        return (store, try await store.createRun(start).id)
    }

    private static func temporary() -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)/bench.db").path
    }

    private static func median(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
        var times: [UInt64] = []
        for _ in 0..<count {
            let begin = Monotonic.now()
            try body()
            times.append(Monotonic.now() - begin)
        }
        times.sort()
        return Double(times[count / 2])
    }

    private static func show(_ name: String, _ value: Double, _ unit: String) {
        print("\(name): \(String(format: value >= 100 ? "%.0f" : "%.1f", value)) \(unit)")
    }
}
