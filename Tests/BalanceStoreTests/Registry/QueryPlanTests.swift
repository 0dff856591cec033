import BalanceSystem
import BalanceCore
import BalanceTestSupport
import Synchronization
import Testing

@testable import BalanceStore

/// Remembers the statements that go through it.
private final class Recorder: SQLConnection {
    let connection: any SQLConnection
    private(set) var statements: [(sql: String, arguments: [SQLValue])] = []

    init(_ connection: any SQLConnection) { self.connection = connection }

    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int {
        statements.append((sql, arguments))
        return try connection.execute(sql, arguments)
    }

    func execute(_ sql: String, each arguments: [[SQLValue]]) throws {
        try connection.execute(sql, each: arguments)
    }

    func rows(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow] {
        statements.append((sql, arguments))
        return try connection.rows(sql, arguments)
    }

    func freshRows(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow] { try rows(sql, arguments) }
}

/// What is read for a decision, a move and a page must not take longer with each version that a model gets.
struct QueryPlanTests {
    private let folder: TemporaryFolder
    private let database: SQLiteDatabase

    init() async throws {
        folder = try TemporaryFolder()
        database = try SQLiteDatabase(path: folder("plans.db"))
        try await database.write { connection in
            for number in 1...3 {
                let version = NewVersion(
                    name: "m",
                    path: "",
                    digest: "same",
                    stage: number == 3 ? "current" : "archived",
                    createdAt: "",
                    moment: Timestamp(milliseconds: number)
                )
                _ = try RegistryRows.insert(version, connection)
                try SlotRows.move(
                    "m",
                    to: number,
                    kind: "promote",
                    actor: "a",
                    at: Timestamp(milliseconds: number),
                    connection
                )
            }
        }
    }

    @Test func `the statements of the registry find their rows by an index`() async throws {
        let plans = try await database.write { connection in
            let recorder = Recorder(connection)
            _ = try SlotRows.slot("m", recorder)
            _ = try SlotRows.lastServed("m", recorder)
            _ = try VersionRows.model("m", recorder)
            _ = try VersionRows.version(2, of: "m", recorder)
            let current = try #require(try RegistryRows.current("m", recorder))
            #expect(try RegistryRows.served(before: current, recorder).map(\.version) == [2, 1])
            let policy = try PromotionPolicy(
                parsing:
                    "apiVersion: balanceops/v1\nname: p\nrules:\n  - {id: a, metric: m, direction: higher, min: 0}\n"
            )
            _ = try CaseRows(name: "m", policy: policy, connection: recorder)
                .read(.version(2), fingerprint: "data", at: .now())
            return try recorder.statements.map { statement in
                let plan = try connection.freshRows("EXPLAIN QUERY PLAN " + statement.sql, statement.arguments)
                return (statement.sql, plan.compactMap { $0.text(3) })
            }
        }
        #expect(plans.count > 15)
        for (sql, plan) in plans {
            let slow = plan.filter { $0.hasPrefix("SCAN") || $0.contains("TEMP B-TREE FOR GROUP") }
            #expect(slow.isEmpty, "\(sql): \(plan)")
            // All versions of a model, to look at each: only where a number, stage or digest is asked for too.
            let whole = plan.filter { $0.contains("model_version") && $0.hasSuffix("(name=?)") }
            #expect(whole.isEmpty, "\(sql): \(plan)")
        }
    }

    @Test func `the newest version of each stage is found`() async throws {
        let latest = try await database.read { try VersionRows.latest(of: "m", stages: VersionStage.allCases, $0) }
        #expect(latest.map(\.version) == [2, 3])
        let archived = try await database.read { try VersionRows.latest(of: "m", stages: [.archived], $0) }
        #expect(archived.map(\.version) == [2])
    }
}
