import BalanceSystem
import BalanceCore
import BalanceTestSupport
import Foundation
import Testing

@testable import BalanceStore

/// Lines reach the trail through one door, which remembers the newest; what serves moves through one transition.
struct AuditDoorTests {
    private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../Sources").standardizedFileURL

    @Test func `only the writer of the trail inserts lines`() throws {
        let files = try #require(FileManager.default.enumerator(at: Self.sources, includingPropertiesForKeys: nil))
        let writers = try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.filter {
            try String(contentsOf: $0, encoding: .utf8).contains("INSERT INTO audit_event")
        }
        #expect(writers.map(\.lastPathComponent) == ["AuditWriter.swift"])
    }

    @Test func `the newest line is remembered behind its transaction, and a transaction that fails leaves none`()
        async throws
    {
        let folder = try TemporaryFolder()
        let database = try SQLiteDatabase(path: folder("door.db"))
        let key = try AuditKey(path: folder("door.db.audit-key"))
        let writer = AuditWriter(database: database, key: key)
        let actor = Actor(name: "jin", requestID: "r1")
        try await writer.write { try $0.note(.purged, "trash", "first", by: actor, at: .now()) }
        #expect(key.remembered?.sequence == 1)
        await #expect(throws: Failure.self) {
            try await writer.write { connection in
                try connection.note(.purged, "trash", "second", by: actor, at: .now())
                throw Failure(.invalidParameter, "no")
            }
        }
        let events = try await SQLRegistryStore(database: database, key: key)
            .auditEvents(subject: nil, before: nil, limit: 10)
        #expect(events.map(\.reason) == ["first"] && events[0].requestID == "r1" && events[0].kind == .purged)
        #expect(key.remembered?.sequence == 1)
    }

    @Test func `the alias that serves is refused but by promotion`() async throws {
        let folder = try TemporaryFolder()
        let store = SQLRegistryStore(database: try SQLiteDatabase(path: folder("alias.db")), key: nil)
        await #expect(throws: Failure.self) {
            try await store.setAlias(currentAlias, ofVersion: 1, of: "m", at: .now())
        }
    }
}
