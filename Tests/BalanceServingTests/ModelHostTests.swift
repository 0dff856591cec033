import BalanceSystem
import BalanceService
import BalanceCore
import BalanceInference
import BalanceServing
import BalanceStore
import BalanceTestSupport
import Foundation
import Testing

struct ModelHostTests {
    let house: PromotionHouse
    let host: ModelHost

    var folder: TemporaryFolder { house.folder }
    var database: any SQLDatabase { house.database }

    init() throws {
        house = try PromotionHouse()
        host = ModelHost(
            registry: house.registry,
            artifacts: FileArtifactStore(root: house.folder.path),
            files: house.files,
            reader: ModelFormats(),
            defaultPath: house.folder("models/current.model")
        )
    }

    @discardableResult
    private func promote(seed: Int, policy: PromotionPolicy? = nil) async throws -> TransitionResult {
        let (run, path, metrics) = try await house.train(seed: seed)
        return try await house.promotions.promote(
            path,
            of: defaultModelName,
            run: run,
            metrics: metrics,
            policy: policy,
            by: TransitionRequest(by: Actor(name: "test"))
        )
    }

    private func answer() async throws -> Double { try await host.current().predictor.outputs([1, 2, 3])[1] }

    private func expected(seed: Int) throws -> Double {
        try DummyTrainer.train(seed: seed, samples: 40, features: 3).model.predictor.outputs([1, 2, 3])[1]
    }

    @Test func `without a promotion there is no model`() async throws {
        let failure = await #expect(throws: Failure.self) { try await host.current() }
        #expect(failure?.code == .noCurrentModel)
    }

    @Test func `each promotion is seen by the next request`() async throws {
        for seed in 1...5 {
            try await promote(seed: seed)
            #expect(try await answer() == expected(seed: seed))
        }
    }

    @Test func `another model's bytes never answer in the version's name`() async throws {
        try await promote(seed: 1)
        let other = try DummyTrainer.train(seed: 2, samples: 40, features: 3).model
        try FileSystem.write(other.bytes, to: folder("models/current.model"))
        // After a start, when nothing is in memory, and while the server runs.
        for _ in 1...2 {
            #expect(try await answer() == expected(seed: 1))
            #expect(await host.problem()?.contains("is not the registered file") == true)
        }
        let events = try await SQLRegistryStore(database: database, key: nil)
            .auditEvents(subject: nil, before: nil, limit: 5)
        #expect(events.map(\.action) == ["model damaged", "promoted"])
    }

    @Test func `where no file of the version is whole, the last good version answers under its own number`()
        async throws
    {
        try await promote(seed: 1)
        try await promote(seed: 2)
        let registry = SQLRegistryStore(database: database, key: nil)
        let row = try #require(try await registry.currentModel(named: defaultModelName))
        for path in [folder("models/current.model"), try #require(row.sourcePath)] { try folder.damage(path) }
        let served = try await host.current()
        #expect(served.version == 1)
        #expect(try await answer() == expected(seed: 1))
        #expect(await host.problem() != nil)
        let events = try await registry.auditEvents(subject: nil, before: nil, limit: 1)
        #expect(events.first?.fromVersion == 2)
        #expect(events.first?.toVersion == 1)
    }

    @Test func `a version whose bytes are in quarantine under another number does not stand in`() async throws {
        try await promote(seed: 1)
        try await promote(seed: 1)
        try await promote(seed: 2)
        let registry = SQLRegistryStore(database: database, key: nil)
        let request = TransitionRequest(by: Actor(name: "test"), reason: "leaks")
        try await registry.quarantine(1, of: defaultModelName, by: request)
        let row = try #require(try await registry.currentModel(named: defaultModelName))
        #expect(try await registry.servedBefore(row).isEmpty)
        #expect(try await registry.version(2, of: defaultModelName).quarantine == "leaks")
        for path in [folder("models/current.model"), try #require(row.sourcePath)] { try folder.damage(path) }
        let failure = await #expect(throws: Failure.self) { try await host.current() }
        #expect(failure?.code == .currentModelLoadFailed)
    }

    @Test func `rubbish in the file leaves the last good model serving and is told`() async throws {
        try await promote(seed: 1)
        let before = try await answer()
        for rubbish in ["", "rubbish", "{", "\u{80}\u{4}"] {
            try folder.write(rubbish, to: "models/current.model")
            #expect(try await answer() == before)
            #expect(await host.problem() != nil)
        }
        try await promote(seed: 3)
        #expect(try await answer() == expected(seed: 3))
        #expect(await host.problem() == nil)
    }

    @Test func `after a restart with rubbish in the file the version's own file serves`() async throws {
        try await promote(seed: 1)
        try folder.write("rubbish", to: "models/current.model")
        #expect(try await answer() == expected(seed: 1))
        #expect(await host.problem() != nil)
    }

    @Test func `where the served file was removed, the file that was registered serves`() async throws {
        try await promote(seed: 1)
        _ = try await answer()
        try FileManager.default.removeItem(atPath: folder("models/current.model"))
        #expect(try await answer() == expected(seed: 1))
        #expect(await host.problem() != nil)
    }

    @Test func `a candidate that cannot be read changes nothing`() async throws {
        try await promote(seed: 1)
        let bad = try folder.write("rubbish", to: "bad.model")
        let failure = await #expect(throws: Failure.self) {
            try await house.promotions.promote(
                bad,
                of: defaultModelName,
                run: RunID(),
                metrics: [],
                by: TransitionRequest(by: Actor(name: "test"))
            )
        }
        #expect(failure?.code == .modelNotReadable)
        #expect(try await answer() == expected(seed: 1))
        #expect(folder.names(in: "models") == ["current.model"])
    }

    @Test func `a refused candidate changes nothing and stands in the trail`() async throws {
        try await promote(seed: 1)
        let outcome = try await promote(seed: 1, policy: .standard)
        #expect(!outcome.decision.promotes)
        #expect(try await answer() == expected(seed: 1))
        let events = try await SQLRegistryStore(database: database, key: nil)
            .auditEvents(subject: nil, before: nil, limit: 5)
        #expect(events.map(\.action) == ["promotion refused", "promoted"])
        #expect(folder.names(in: "models") == ["current.model"])
    }

    @Test func `of many promotions at once each is whole`() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for seed in 1...12 { group.addTask { try await promote(seed: seed) } }
            try await group.waitForAll()
        }
        let registry = SQLRegistryStore(database: database, key: nil)
        let row = try #require(try await registry.currentModel(named: defaultModelName))
        let (_, digest) = try FileModelFiles(defaultPath: "").load(folder("models/current.model"))
        #expect(row.version == 12)
        #expect(row.digest == digest)
        #expect(folder.names(in: "models") == ["current.model"])
    }
}
