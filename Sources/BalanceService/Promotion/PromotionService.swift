package import BalanceCore

/// The one way in which the alias `current` moves: promotions, rollbacks and forces of versions and of trainings.
///
/// It reads a candidate, tries it, lets the policy decide, and exchanges row and file together.
package struct PromotionService: Sendable {
    let store: any RegistryStore
    let governance: any Governance
    let evidence: EvidenceSource
    let files: any ModelFiles
    let registry: any ModelRegistry
    let versions: VersionFiles
    /// Keeps what it parsed in memory, for whoever serves it.
    private let reader: any ModelReader

    package init(
        store: any RegistryStore,
        registry: any ModelRegistry,
        governance: any Governance,
        evidence: EvidenceSource,
        versions: VersionFiles,
        files: any ModelFiles,
        reader: any ModelReader
    ) {
        self.store = store
        self.registry = registry
        self.governance = governance
        self.evidence = evidence
        self.versions = versions
        self.files = files
        self.reader = reader
    }

    /// Lets a version serve where the policy that its model is bound to allows it; a refusal is no error.
    ///
    /// A version that cannot be executed only gets the alias, and only while no version of the model serves.
    package func promote(_ number: Int, of name: String, by request: TransitionRequest) async throws -> TransitionResult
    {
        var request = request
        request.target = String(number)
        if let answer = try await governance.earlierAnswer(to: request, .promote, model: name) { return answer }
        let version = try await registry.version(number, of: name)
        let file: LoadedFile
        do {
            file = try await versions.load(version, reader)
            try file.answerExample()
        } catch {
            let problem = Failure.from(error).message
            try await recordFailedTest(Candidate(version), problem, by: request.actor)
            return try await point(to: version, problem: problem, by: request)
        }
        return try await serve(Candidate(version), .promote, .bound(otherwise: nil), by: request) { file }
    }

    /// Lets the model of a run serve, as the next version, where the policy of the model allows it; where it is bound to none,
    /// `policy`.
    package func promote(
        _ path: String,
        of name: String,
        run: RunID,
        metrics: [Metric],
        policy: PromotionPolicy? = nil,
        by request: TransitionRequest
    ) async throws -> TransitionResult {
        if let answer = try await governance.earlierAnswer(to: request, .promote, model: name) { return answer }
        let candidate = Candidate(model: name, run: run, metrics: metrics, label: path)
        return try await serve(candidate, .promote, .bound(otherwise: policy), by: request) {
            do {
                return try versions.load(path: path, reader)
            } catch var failure as Failure where failure.code == .modelNotReadable {
                failure.message = "\(path): \(failure.message)"
                throw failure
            }
        }
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
        failure.details = result.decision.json
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
        if let answer = try await governance.earlierAnswer(to: request, .force, model: name) { return answer }
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
        try await serve(Candidate(version), kind, .caller, by: request) {
            do {
                if let problem = version.problem { throw Failure(.modelNotReadable, problem) }
                return try await versions.load(version, reader)
            } catch {
                throw Failure(
                    .modelNotReadable,
                    "version \(version.version) of '\(version.name)' cannot be served: \(Failure.from(error).message)",
                    hint: "balanceops models inspect FILE shows why"
                )
            }
        }
    }
}
