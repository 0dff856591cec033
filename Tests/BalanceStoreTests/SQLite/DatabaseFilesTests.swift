import BalanceSystem
import BalanceCore
import BalanceStore
import BalanceTestSupport
import Foundation
import Testing

/// What is acknowledged is in the file that the next start opens.
struct DatabaseFilesTests {
    let folder: TemporaryFolder
    let database: SQLiteDatabase
    let store: SQLTrackingStore

    init() throws {
        folder = try TemporaryFolder()
        database = try SQLiteDatabase(path: folder("data/b.db"))
        store = SQLTrackingStore(database: database)
    }

    private func write() async throws {
        let run = NewRun(id: RunID(), kind: "t", params: .object([]), note: nil, git: GitInfo(), startedAt: .now())
        try await store.begin(run)
    }

    @Test(arguments: ["renamed", "replaced", "deleted", "log deleted", "folder renamed", "cut"])
    func `nothing is acknowledged into a file that is gone`(how: String) async throws {
        try await write()
        #expect(database.loss == nil)
        let files = FileManager.default
        let path = folder("data/b.db")
        switch how {
        case "renamed": try files.moveItem(atPath: path, toPath: folder("data/other.db"))
        case "replaced": try Data("x".utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        case "deleted": try files.removeItem(atPath: path)
        case "log deleted": try files.removeItem(atPath: path + "-wal")
        case "folder renamed": try files.moveItem(atPath: folder("data"), toPath: folder("elsewhere"))
        default: try #require(truncate(path, 4096) == 0)
        }
        for _ in 1...3 {
            let failure = await #expect(throws: Failure.self) { try await write() }
            #expect(failure?.code == .storageLost)
        }
        #expect(database.loss?.code == .storageLost)
    }

    @Test func `an empty database beside a remembered trail is no new product`() throws {
        try folder.write("{\"seq\": 7, \"hash\": \"a\"}", to: "lost/b.db.audit-key.head")
        for content in [nil, ""] {
            if let content { try folder.write(content, to: "lost/b.db") }
            let failure = #expect(throws: Failure.self) { try SQLiteDatabase(path: folder("lost/b.db")) }
            #expect(failure?.message.contains("records 7 audit trail entries") == true)
        }
    }

    @Test func `one server works on a database`() throws {
        let first = try ServerLease(database: folder("data/b.db"))
        let failure = #expect(throws: Failure.self) { try ServerLease(database: folder("data/b.db")) }
        #expect(failure?.code == .folderInUse)
        #expect(failure?.code.row.exit == 73)
        withExtendedLifetime(first) {}
    }

    @Test func `another process that writes is waited for`() async throws {
        let other = try SQLiteDatabase(path: folder("data/b.db"))
        let twin = SQLTrackingStore(database: other)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<40 {
                group.addTask {
                    let run = NewRun(
                        id: RunID(),
                        kind: "t",
                        params: .object([]),
                        note: nil,
                        git: GitInfo(),
                        startedAt: .now()
                    )
                    try await (index.isMultiple(of: 2) ? store : twin).begin(run)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.count(RunSearch()) == 40)
    }
}
