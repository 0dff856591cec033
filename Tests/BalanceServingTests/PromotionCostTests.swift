import BalanceSystem
import BalanceService
import BalanceCore
import BalanceInference
import BalanceServing
import BalanceStore
import BalanceTestSupport
import Foundation
import Synchronization
import Testing

/// What a promotion costs: one read of the file, one parse, one transaction that writes.
struct PromotionCostTests {
    /// Counts what goes through it.
    private final class Counts: Sendable {
        let reads = Mutex(0)
        let parses = Mutex(0)
        let writes = Mutex(0)
    }

    private struct CountingFiles: ModelFiles {
        let files: FileModelFiles
        let counts: Counts

        func load(_ path: String) throws -> (bytes: [UInt8], digest: String) {
            counts.reads.withLock { $0 += 1 }
            return try files.load(path)
        }

        func currentPath(of name: String) throws -> String { try files.currentPath(of: name) }
        func stage(_ bytes: [UInt8], digest: String, for name: String) throws -> StagedModel {
            try files.stage(bytes, digest: digest, for: name)
        }
        func install(_ staged: StagedModel, for name: String, over current: CurrentModel?) throws {
            try files.install(staged, for: name, over: current)
        }
        func finish(_ staged: StagedModel, for name: String) { files.finish(staged, for: name) }
        func discard(_ staged: StagedModel, for name: String) { files.discard(staged, for: name) }
        func repair(_ name: String, current: CurrentModel?) throws { try files.repair(name, current: current) }
        func isExchanging(_ name: String) -> Bool { files.isExchanging(name) }
        func interruptedExchanges() -> [String] { files.interruptedExchanges() }
        func sweep() { files.sweep() }
    }

    private struct CountingReader: ModelReader {
        let counts: Counts

        func predictor(from bytes: [UInt8]) throws -> LoadedModel {
            counts.parses.withLock { $0 += 1 }
            return try ModelFormats().predictor(from: bytes)
        }

        func manifest(from bytes: [UInt8]) throws -> ModelDescription { try ModelFormats().manifest(from: bytes) }
    }

    private struct CountingDatabase: SQLDatabase {
        let database: SQLiteDatabase
        let counts: Counts

        func read<Value: Sendable>(
            _ body: @escaping @Sendable (any SQLConnection) throws -> Value
        ) async throws
            -> Value
        { try await database.read(body) }

        func write<Value: Sendable>(
            _ body: @escaping @Sendable (any SQLConnection) throws -> Value
        ) async throws
            -> Value
        {
            counts.writes.withLock { $0 += 1 }
            return try await database.write(body)
        }

        func writeTogether<Value: Sendable>(
            _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
            then: @escaping @Sendable (Result<Value, any Error>) -> Void
        ) {
            counts.writes.withLock { $0 += 1 }
            database.writeTogether(body, then: then)
        }

        func read<Value: Sendable>(
            _ body: @escaping @Sendable (any SQLConnection) throws -> Value,
            then: @escaping @Sendable (Result<Value, any Error>) -> Void
        ) { database.read(body, then: then) }
    }

    @Test func `a promotion reads and parses the file once, in one transaction that writes`() async throws {
        let counts = Counts()
        let house = try PromotionHouse(
            reader: CountingReader(counts: counts),
            database: { CountingDatabase(database: $0, counts: counts) },
            files: { CountingFiles(files: $0, counts: counts) }
        )
        let (run, path, metrics) = try await house.train(seed: 1)
        counts.writes.withLock { $0 = 0 }
        let request = TransitionRequest(by: Actor(name: "test", requestID: "r-1"), reason: "first", idempotencyKey: "k")
        let first = try await house.promotions.promote(path, of: "credit", run: run, metrics: metrics, by: request)
        #expect(first.decision.promotes)
        #expect(counts.reads.withLock { $0 } == 1)
        #expect(counts.parses.withLock { $0 } == 1)
        #expect(counts.writes.withLock { $0 } == 1)

        let again = try await house.promotions.promote(path, of: "credit", run: run, metrics: metrics, by: request)
        #expect(again.json == first.json)
        #expect(again.decision == first.decision)
        #expect(counts.reads.withLock { $0 } == 1)
        let line = try await house.registry.auditEvent(first.line)
        #expect(line?.requestID == "r-1")
    }
}
