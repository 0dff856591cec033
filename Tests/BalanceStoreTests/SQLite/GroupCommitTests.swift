import BalanceCore
import BalanceTestSupport
import Testing

@testable import BalanceStore

@Suite struct GroupCommitTests {
    private let folder: TemporaryFolder
    private let database: SQLiteDatabase

    init() throws {
        folder = try TemporaryFolder()
        database = try SQLiteDatabase(path: folder("group.db"))
    }

    private func add(_ name: String, failing: Bool = false) async throws {
        try await database.writeTogether { connection in
            try connection.execute("INSERT INTO counter (name, last) VALUES (?, 1)", [.text(name)])
            if failing { throw Failure(.invalidParameter, "no") }
        }
    }

    private func names() async throws -> Set<String> {
        Set(try await database.read { try $0.rows("SELECT name FROM counter").compactMap { $0.text(0) } })
    }

    @Test func `writes that wait together are all there, and only those that failed are not`() async throws {
        let results = await withTaskGroup(of: (Int, Bool).self) { group in
            for index in 0..<300 {
                group.addTask {
                    do {
                        try await self.add("n\(index)", failing: index % 7 == 3)
                        return (index, true)
                    } catch {
                        return (index, false)
                    }
                }
            }
            return await group.reduce(into: [Int: Bool]()) { $0[$1.0] = $1.1 }
        }
        let names = try await names()
        for index in 0..<300 {
            #expect(results[index] == (index % 7 != 3))
            #expect(names.contains("n\(index)") == (index % 7 != 3))
        }
    }

    @Test func `a write that the database refuses leaves the others of its group`() async throws {
        try await add("one")
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<50 { group.addTask { try? await self.add(index % 2 == 0 ? "one" : "other\(index)") } }
        }
        let names = try await names()
        #expect(names.filter { $0.hasPrefix("other") }.count == 25)
    }

    @Test func `what was written is read by whoever was answered`() async throws {
        for index in 0..<50 {
            try await add("r\(index)")
            #expect(try await names().contains("r\(index)"))
        }
    }

    /// Reads with the others that wait.
    private func count(_ name: String, failing: Bool = false) async throws -> Int? {
        try await withCheckedThrowingContinuation { continuation in
            database.read(
                { connection in
                    if failing { _ = try connection.rows("SELECT nothing FROM nowhere") }
                    return try connection.rows("SELECT last FROM counter WHERE name = ?", [.text(name)]).first?.integer(
                        0
                    )
                },
                then: { continuation.resume(with: $0) }
            )
        }
    }

    @Test func `reads that wait together see what was written before each, and fail alone`() async throws {
        let good = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<400 {
                group.addTask {
                    do {
                        try await self.add("g\(index)")
                        if index % 9 == 4 {
                            _ = try? await self.count("", failing: true)
                            await #expect(throws: Failure.self) { try await self.count("", failing: true) }
                        }
                        return try await self.count("g\(index)") == 1
                    } catch {
                        return false
                    }
                }
            }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(good.count == 400 && good.allSatisfy { $0 })
    }
}
