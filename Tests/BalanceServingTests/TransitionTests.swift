import BalanceCore
import BalanceInference
import BalanceService
import BalanceStore
import BalanceSystem
import BalanceTestSupport
import Foundation
import Testing

/// Every way to move what serves, in every state that a model can be in, on a real database.
struct TransitionTests {
    private let house: PromotionHouse

    init() throws { house = try PromotionHouse() }

    /// The state that a model with the versions 1, 2 and 3 is in, of which 2 serves and 1 served before.
    enum State: String, CaseIterable {
        case usual, frozen, quarantined
    }

    /// What is asked for, of version 3 but for rollbacks.
    enum Move: String, CaseIterable {
        case promote, rollback, force
    }

    /// What comes of it: nil is a move.
    private static let expected: [State: [Move: Failure.Code]] = [
        .usual: [:],
        .frozen: [.promote: .modelFrozen, .rollback: .modelFrozen],
        .quarantined: [.promote: .versionQuarantined, .force: .versionQuarantined, .rollback: .versionQuarantined],
    ]

    private func request(_ reason: String = "because it must", expecting generation: Int? = nil) -> TransitionRequest {
        TransitionRequest(by: Actor(name: "min"), reason: reason, expectedGeneration: generation)
    }

    private func prepare(_ state: State) async throws {
        for seed in 1...3 { try await house.register(seed: seed, of: "credit") }
        for version in 1...2 {
            _ = try await house.promotions.promote(version, of: "credit", by: request())
        }
        switch state {
        case .usual: break
        case .frozen: _ = try await house.registry.freeze("credit", by: request())
        case .quarantined:
            for version in [1, 3] { try await house.registry.quarantine(version, of: "credit", by: request()) }
        }
    }

    private func move(_ move: Move, by request: TransitionRequest) async throws -> TransitionResult {
        switch move {
        case .promote: try await house.promotions.promote(3, of: "credit", by: request)
        case .rollback: try await house.promotions.rollBack("credit", to: 1, by: request)
        case .force: try await house.promotions.force(3, of: "credit", by: request)
        }
    }

    @Test(arguments: State.allCases, Move.allCases)
    func `a move does what the table says, and its trail says the same`(state: State, move: Move) async throws {
        try await prepare(state)
        let before = try await house.registry.slot(of: "credit")
        let lines = try await house.registry.auditEvents(subject: "credit", before: nil, limit: 100).count
        do {
            let result = try await self.move(move, by: request())
            #expect(Self.expected[state]?[move] == nil, "\(state) \(move)")
            #expect(result.from == 2)
            #expect(result.slot.generation == before.generation + 1)
            #expect(result.slot.version == (move == .rollback ? 1 : 3))
            let line = try #require(try await house.registry.auditEvent(result.line))
            #expect(line.generationAfter == result.slot.generation)
            #expect(line.actor == "min")
        } catch let failure as Failure {
            #expect(failure.code == Self.expected[state]?[move], "\(state) \(move): \(failure.message)")
            #expect(try await house.registry.slot(of: "credit") == before)
        }
        let after = try await house.registry.auditEvents(subject: "credit", before: nil, limit: 100).count
        #expect(after - lines == (Self.expected[state]?[move] == nil ? 1 : 0))
    }

    @Test(arguments: Move.allCases)
    func `a move that expects another generation changes nothing`(move: Move) async throws {
        try await prepare(.usual)
        let before = try await house.registry.slot(of: "credit")
        let failure = await #expect(throws: Failure.self) {
            _ = try await self.move(move, by: request(expecting: before.generation + 1))
        }
        #expect(failure?.code == .generationConflict)
        #expect(try await house.registry.slot(of: "credit") == before)
    }

    @Test func `current is moved by a promotion alone`() async throws {
        try await prepare(.usual)
        let failure = await #expect(throws: Failure.self) {
            try await house.registry.setAlias(currentAlias, ofVersion: 3, of: "credit", at: .now())
        }
        #expect(failure != nil)
        #expect(try await house.registry.slot(of: "credit").version == 2)
    }

    @Test func `a version that serves already is no move and has its entry`() async throws {
        try await prepare(.usual)
        let result = try await house.promotions.promote(2, of: "credit", by: request())
        #expect(result.isNoop)
        #expect(result.slot.generation == 2)
        #expect(try await house.registry.auditEvent(result.line)?.kind == .nothingToDo)
    }
}
