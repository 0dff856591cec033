import BalanceSystem
import BalanceCore
import BalanceStore
import BalanceTestSupport
import Testing

struct TrackingStoreTests {
    let folder: TemporaryFolder
    let store: SQLTrackingStore

    init() throws {
        folder = try TemporaryFolder()
        store = SQLTrackingStore(database: try SQLiteDatabase(path: folder("runs.db")))
    }

    private func add(_ kind: String, note: String, dirty: Bool? = false, at milliseconds: Int = 0) async throws -> RunID
    {
        let id = RunID()
        let git = GitInfo(commit: "abcdef", branch: "feature/100%_done", dirty: dirty)
        let run = NewRun(
            id: id,
            kind: kind,
            params: .object([("kind", .string(kind)), ("list", .array([.int(1)]))]),
            note: note,
            git: git,
            startedAt: Timestamp(milliseconds: milliseconds)
        )
        try await store.begin(run)
        let metrics = [Metric("acc", 0.5), Metric("nan", .nan), Metric("inf", .infinity)]
        let outcome = RunOutcome(
            status: .finished,
            metrics: metrics,
            artifacts: [],
            runDirName: "dir_\(kind)",
            endedAt: Timestamp(milliseconds: milliseconds)
        )
        try await store.end(id, outcome)
        return id
    }

    @Test func `runs come newest first and by pages`() async throws {
        var ids: [RunID] = []
        for second in 0..<5 { ids.append(try await add("a", note: "n", at: second / 2 * 1000)) }
        #expect(try await store.runs(RunSearch(), offset: 0).items.map(\.id) == ids.reversed())
        #expect(try await store.runs(RunSearch(limit: 2), offset: 1).items.map(\.id) == [ids[3], ids[2]])
        #expect(try await store.newestRunID() == ids[4])
    }

    @Test func `values that are no finite numbers are kept`() async throws {
        let id = try await add("a", note: "n")
        let metrics = try #require(try await store.run(id)).summary.metrics
        #expect(metrics.value(of: "inf") == .infinity)
        #expect(metrics.value(of: "nan")?.isNaN == true)
    }

    @Test(arguments: [
        ("100%_done", 2), ("100%xdone", 0), ("DIR_B", 1), ("메모", 1), ("abcdef", 2), ("nothing", 0), ("'; --", 0),
        ("\\", 0), ("_", 2),
    ])
    func `the search takes every character for itself`(text: String, count: Int) async throws {
        _ = try await add("a", note: "first")
        _ = try await add("b", note: "메모")
        #expect(try await found { $0.text = text }.count == count)
    }

    @Test func `an id is found with and without its dashes`() async throws {
        let id = try await add("a", note: "n")
        #expect(try await found { $0.text = id.native } == [id])
        #expect(try await found { $0.text = String(id.stored.prefix(12)) } == [id])
    }

    @Test func `kind and git state filter`() async throws {
        let clean = try await add("a", note: "n", dirty: nil)
        let dirty = try await add("b", note: "n", dirty: true)
        #expect(try await found { $0.kind = "b" } == [dirty])
        #expect(try await found { $0.isDirty = false } == [clean])
        #expect(try await store.kinds() == ["a", "b"])
    }

    private func found(_ change: (inout RunSearch) -> Void) async throws -> [RunID] {
        var search = RunSearch()
        change(&search)
        let runs = try await store.runs(search, offset: 0).items.map(\.id)
        #expect(try await store.count(search) == runs.count)
        return runs
    }

    @Test func `pages go on behind the last run that was seen, also when runs begin meanwhile`() async throws {
        var ids: [RunID] = []
        for _ in 0..<7 { ids.append(try await add("a", note: "n")) }
        var search = RunSearch(limit: 3)
        var seen: [RunID] = []
        repeat {
            let page = try await store.runs(search, offset: 0)
            seen += page.items.map(\.id)
            search.query.after = page.next
            _ = try await add("a", note: "later")
        } while search.query.after != nil
        #expect(seen == ids.reversed())
    }

    @Test func `a run that does not exist cannot end`() async throws {
        let outcome = RunOutcome(status: .failed, metrics: [], artifacts: [], runDirName: nil, endedAt: .now())
        let failure = await #expect(throws: Failure.self) { try await store.end(RunID(), outcome) }
        #expect(failure?.code == .runNotFound)
        #expect(try await store.run(RunID())?.params == nil)
    }
}
