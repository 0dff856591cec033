/// Makes registered versions serve: the one way for everything that moves the alias `current`.
package struct VersionPromoter: Sendable {
    private let registry: any ModelRegistry
    private let governance: any Governance
    private let evidence: EvidenceSource
    private let files: VersionFiles
    private let promoter: Promoter

    package init(
        registry: any ModelRegistry,
        governance: any Governance,
        evidence: EvidenceSource,
        files: VersionFiles,
        promoter: Promoter
    ) {
        self.registry = registry
        self.governance = governance
        self.evidence = evidence
        self.files = files
        self.promoter = promoter
    }

    /// Lets a version serve where the policy that its model is bound to allows it.
    ///
    /// A version that cannot be executed only gets the alias, and only while no version of the model serves.
    package func promote(_ number: Int, of name: String, by request: TransitionRequest) async throws -> TransitionResult
    {
        var request = request
        request.target = String(number)
        let version = try await registry.version(number, of: name)
        let (found, path) = await files.inspect(version)
        guard let path else {
            let problem = found.problem ?? "its files were not found"
            let candidate = candidate(version, "")
            try await promoter.recordFailedTest(candidate, problem, request.actor)
            return try await promoter.point(to: version, problem: problem, by: request)
        }
        return try await promoter.promote(candidate(version, path), judge: .bound(otherwise: nil), by: request).result
    }

    /// As ``promote(_:of:by:)``, where anything else than a promotion is an error.
    ///
    /// - Throws: `Failure` with code `promotionRefused` or `promotionHeld` that gives the reason, and the decision in its
    ///   details.
    package func requirePromotion(
        _ number: Int,
        of name: String,
        by request: TransitionRequest
    ) async throws -> TransitionResult {
        let result = try await promote(number, of: name, by: request)
        guard !result.isNoop, var failure = Self.failure(result.decision, "version \(number)", of: name) else {
            return result
        }
        failure.details = result.json["decision"]
        throw failure
    }

    /// What a decision that does not promote is to a caller who asked for a promotion.
    package static func failure(_ decision: Decision, _ what: String, of name: String) -> Failure? {
        switch decision.outcome {
        case .promote: return nil
        case .reject:
            return Failure(
                .promotionRefused,
                "Policy '\(decision.policy)' of '\(name)' rejects \(what): \(decision.reason)",
                hint: decision.next.first ?? "register a version with better metrics, or change the policy",
                details: decision.json
            )
        case .hold:
            return Failure(
                .promotionHeld,
                "Policy '\(decision.policy)' of '\(name)' holds \(what): \(decision.reason)",
                hint: decision.next.first ?? "check the decision",
                details: decision.json
            )
        }
    }

    /// What a policy would say now; nothing changes.
    ///
    /// Without a policy the one is asked that the model is bound to, else the shipped `default`.
    package func explain(
        _ candidate: CandidateReference,
        of name: String,
        policy: PromotionPolicy? = nil,
        against other: EvidenceSource.Opponent = .current
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
        let (found, path) = await files.inspect(version)
        guard let path else { return .init(problem: found.problem ?? "its files were not found", latency: nil) }
        return promoter.measure(path, label: "version \(version.version) of \(version.name)")
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

    private func rollbackTarget(of name: String, to target: Int?) async throws -> (slot: Slot, version: ModelVersion) {
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

    /// Goes back to a version that can be served; the policy is not asked, its advice is recorded.
    package func rollBack(
        _ name: String,
        to target: Int?,
        by request: TransitionRequest
    ) async throws -> TransitionResult {
        try Self.requireNoDecision(request)
        var request = request
        request.target = target.map(String.init) ?? "previous"
        if let answer = try await governance.earlierAnswer(to: request, .rollback, model: name) { return answer }
        let (_, version) = try await rollbackTarget(of: name, to: target)
        return try await move(version, kind: .rollback, by: request)
    }

    /// Lets a version serve past the policy; it still has to load and to answer.
    ///
    /// - Throws: `Failure` with code `invalidParameter` where the reason has fewer than 10 characters.
    package func force(_ number: Int, of name: String, by request: TransitionRequest) async throws -> TransitionResult {
        guard request.reason.trimmingPrefix(while: \.isWhitespace).count >= 10 else {
            throw Failure(
                .invalidParameter,
                "A forced promotion needs a reason of at least 10 characters.",
                hint: "state what happened and who agreed"
            )
        }
        try Self.requireNoDecision(request)
        var request = request
        request.target = String(number)
        return try await move(registry.version(number, of: name), kind: .force, by: request)
    }

    /// A rollback and a force do not ask for a decision, so none can be held against them.
    private static func requireNoDecision(_ request: TransitionRequest) throws {
        guard request.ifDecision != nil else { return }
        throw Failure(
            .invalidParameter,
            "If-Decision is for promotions only: rollbacks and forced promotions do not use the policy.",
            hint: "send expected_generation"
        )
    }

    private func move(
        _ version: ModelVersion,
        kind: Transition.Kind,
        by request: TransitionRequest
    ) async throws -> TransitionResult {
        let path: String
        do {
            if let problem = version.problem { throw Failure(.modelNotReadable, problem) }
            // What was tried when it was registered is not read here again: the promoter loads it, or has it in memory.
            path = try await files.path(of: version)
        } catch {
            throw Failure(
                .modelNotReadable,
                "version \(version.version) of '\(version.name)' cannot be served: \(Failure.from(error).message)",
                hint: "balanceops models inspect FILE shows why"
            )
        }
        return try await promoter.promote(candidate(version, path), kind: kind, judge: .nobody, by: request).result
    }

    private func candidate(_ version: ModelVersion, _ path: String) -> Promoter.Candidate {
        Promoter.Candidate(
            model: version.name,
            source: path,
            version: version.version,
            run: version.runID,
            metrics: version.metrics,
            label: "version \(version.version) of \(version.name)"
        )
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
