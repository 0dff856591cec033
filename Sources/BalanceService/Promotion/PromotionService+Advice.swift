package import BalanceCore

extension PromotionService {
    /// What a policy would say now; nothing changes.
    ///
    /// Without a policy the one is asked that the model is bound to, else the shipped `default`.
    package func explain(
        _ candidate: CandidateReference,
        of name: String,
        policy: PromotionPolicy? = nil,
        against other: EvidenceSource.Baseline = .current
    ) async throws -> Decision {
        let bound = policy == nil ? try await governance.boundPolicy(of: name)?.policy : nil
        let policy = policy ?? bound ?? .standard
        var test: PromotionCase.SelfTest?
        if case .version(let number) = candidate, policy.asksForSelfTest {
            test = try await selfTest(registry.version(number, of: name))
        }
        let facts = try await evidence.gather(name, candidate, policy: policy, selfTest: test, against: other)
        // Whoever sees the outcome of a test may choose by it, whether anything moves or not.
        if policy.countsLooks { try? await governance.recordLook(facts) }
        return policy.decide(facts)
    }

    /// What ``promote(_:of:by:)`` would decide now: a person's word where the model is bound to no policy.
    package func preview(_ number: Int, of name: String) async throws -> Decision {
        if try await governance.boundPolicy(of: name) != nil { return try await explain(.version(number), of: name) }
        var decision = Decision.byHand(try await evidence.gather(name, .version(number), policy: nil))
        let advice = try await explain(.version(number), of: name)
        decision.warnings = [
            "bound to no policy; '\(advice.policy)' would say \(advice.outcome.rawValue): \(advice.reason)"
        ]
        return decision
    }

    private func selfTest(_ version: ModelVersion) async throws -> PromotionCase.SelfTest {
        do {
            let file = try await versions.load(version)
            try file.answerExample()
            return try SelfTest.run(file, label: Candidate(version).label).fact
        } catch {
            return .init(problem: Failure.from(error).message, latency: nil)
        }
    }

    /// What a rollback would do, and what was true of its target.
    package struct RollbackPlan: Sendable {
        package var slot: Slot
        package var target: ModelVersion
        /// The last time that it began to serve.
        package var served: SlotMove?
        /// What the policy says of it today; it is told and not obeyed.
        package var decision: Decision

        package var json: JSONValue {
            .object([
                ("slot", slot.json), ("from_version", slot.version.map(JSONValue.int) ?? .null),
                ("to_version", .int(target.version)), ("digest", .optional(target.digest)),
                ("metrics", target.metrics.json),
                ("served_since", .optional(served?.at.iso8601)), ("served_by", .optional(served?.actor)),
                ("advice", decision.json),
            ])
        }
    }

    /// What a rollback would do; without a target it goes to the previous version.
    ///
    /// - Throws: `Failure` with code `nothingToRollBackTo` that lists the versions that could serve.
    package func planRollback(of name: String, to target: Int?) async throws -> RollbackPlan {
        let (slot, version) = try await rollbackTarget(of: name, to: target)
        let served = try await governance.lastMove(of: name, to: version.version)
        let decision = try await explain(.version(version.version), of: name)
        return RollbackPlan(slot: slot, target: version, served: served, decision: decision)
    }

    func rollbackTarget(of name: String, to target: Int?) async throws -> (slot: Slot, version: ModelVersion) {
        let slot = try await governance.slot(of: name)
        guard let number = target ?? slot.previous else {
            throw try await Self.nothingLeft(name, slot, registry)
        }
        let version = try await registry.version(number, of: name)
        if let problem = version.problem {
            var failure = try await Self.nothingLeft(name, slot, registry)
            failure.message = "version \(number) of '\(name)' cannot be served: \(problem)"
            throw failure
        }
        return (slot, version)
    }

    private static func nothingLeft(
        _ name: String,
        _ slot: Slot,
        _ registry: any ModelRegistry
    ) async throws -> Failure {
        let servable = try await registry.versions(of: name, limit: 20, newestFirst: true).filter {
            $0.problem == nil && $0.version != slot.version
        }.map(\.version).sorted()
        let list = servable.isEmpty ? "none" : servable.map(String.init).joined(separator: ", ")
        return Failure(
            .nothingToRollBackTo,
            "'\(name)' has no previous version to roll back to",
            hint: "choose a version with --to; versions that can be served: \(list)",
            details: .object([("servable", .array(servable.map(JSONValue.int))), ("slot", slot.json)])
        )
    }
}
