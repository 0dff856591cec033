/// Makes a model the current one: reads it, tries it, lets the policy decide, and exchanges row and file together.
///
/// Commands, API and pages all come here, so that there is one rule.
package struct Promoter: Sendable {
    private let registry: any RegistryStore
    private let governance: any Governance
    private let evidence: EvidenceSource
    private let files: any ModelFiles
    private let reader: any ModelReader

    package init(
        registry: any RegistryStore,
        governance: any Governance,
        evidence: EvidenceSource,
        files: any ModelFiles,
        reader: any ModelReader
    ) {
        self.registry = registry
        self.governance = governance
        self.evidence = evidence
        self.files = files
        self.reader = reader
    }

    /// A file that may become the current model.
    package struct Candidate: Sendable {
        package var model: String
        package var source: String
        /// The registered version that the file belongs to; nil: a new one is recorded.
        package var version: Int?
        /// The run that made it, where that is known.
        package var run: RunID?
        package var metrics: [Metric]
        /// What messages call the file.
        package var label: String

        package init(
            model: String = defaultModelName,
            source: String,
            version: Int? = nil,
            run: RunID?,
            metrics: [Metric],
            label: String? = nil
        ) {
            self.model = model
            self.source = source
            self.version = version
            self.run = run
            self.metrics = metrics
            self.label = label ?? source
        }
    }

    /// Who judges.
    package enum Judge: Sendable {
        /// The policy that the model is bound to; where it is bound to none, this one, or nobody.
        case bound(otherwise: PromotionPolicy?)
        case nobody
    }

    /// What became of a request.
    package struct Outcome: Sendable {
        package var result: TransitionResult
        /// Where the current model is served from.
        package var path: String

        package var decision: Decision { result.decision }
    }

    /// Moves the alias `current` to a candidate where the policy allows it.
    ///
    /// - Returns: What was decided; a refusal is no error.
    /// - Throws: `Failure` with code `modelFileMissing`, `modelNotReadable`, those of ``Governance/transition`` or one of
    ///   the database's; then nothing changed.
    package func promote(
        _ candidate: Candidate,
        kind: Transition.Kind = .promote,
        judge: Judge,
        by request: TransitionRequest
    ) async throws -> Outcome {
        let name = candidate.model
        let path = try files.currentPath(of: name)
        if let answer = try await governance.earlierAnswer(to: request, kind, model: name) {
            return Outcome(result: answer, path: path)
        }
        try await repair(name)
        let staged = try files.stage(candidate.source, for: name)
        CrashPoint.reach("staged")
        do {
            let (model, measured) = try SelfTest(reader: reader).run(staged, label: candidate.label)
            var promotion = Promotion(
                name: name,
                version: candidate.version,
                runID: candidate.run,
                sourcePath: candidate.source,
                digest: staged.digest,
                size: staged.bytes.count,
                format: model.format,
                metrics: candidate.metrics,
                at: .now()
            )
            promotion.selfTest = measured.json
            promotion.signature = model.predictor.signatureJSON.text()
            let files = self.files
            let result = try await carryOut(promotion, kind, judge, measured.fact, request, servedFrom: path) {
                CrashPoint.reach("recorded")
                try files.install(staged, for: name)
                CrashPoint.reach("installed")
            }
            CrashPoint.reach("committed")
            files.discard(staged, for: name)
            // The row decides how the exchange ends. Where this fails, whoever comes next finds the note and does it.
            if result.decision.promotes { try? await repair(name) }
            CrashPoint.reach("finished")
            return Outcome(result: result, path: path)
        } catch {
            files.discard(staged, for: name)
            try? await repair(name)
            if let failure = error as? Failure, failure.code == .modelNotReadable {
                try? await recordFailedTest(candidate, failure.message, request.actor)
            }
            throw error
        }
    }

    /// Prepares a transition and carries it out; again, where what it rests on changed in between.
    private func carryOut(
        _ promotion: Promotion,
        _ kind: Transition.Kind,
        _ judge: Judge,
        _ selfTest: PromotionCase.SelfTest?,
        _ request: TransitionRequest,
        servedFrom path: String,
        install: @escaping @Sendable () throws -> Void
    ) async throws -> TransitionResult {
        for _ in 0..<20 {
            let bound = try await governance.boundPolicy(of: promotion.name)
            let policy: PromotionPolicy? =
                switch judge {
                case .bound(let other): bound?.policy ?? other
                case .nobody: bound?.policy
                }
            let isAsked = if case .bound = judge { true } else { false }
            // What the policy does not ask for is no part of its inputs: a dry run does not measure it.
            let test = policy?.asksForSelfTest == true ? selfTest : nil
            let facts = try await evidence.gather(
                promotion.name,
                promotion.candidate,
                policy: policy,
                selfTest: test,
                // Advice is not worth waiting for where somebody goes back.
                readsPredictions: isAsked
            )
            var current = promotion
            current.at = .now()
            var transition = Transition(
                kind: kind,
                request: request,
                promotion: current,
                policy: isAsked ? policy : nil,
                boundHash: bound?.policy.hash,
                facts: facts
            )
            transition.advisor = isAsked ? nil : policy
            do {
                return try await governance.transition(transition, servedFrom: path, install: install)
            } catch is StaleFacts {
                continue
            }
        }
        throw Failure(
            .generationConflict,
            "'\(promotion.name)' was changed by other requests at the same time; this request was not applied",
            hint: "try again"
        )
    }

    /// Tries a file that is not to be promoted now.
    func measure(_ path: String, label: String) -> PromotionCase.SelfTest {
        do {
            let (bytes, digest) = try files.load(path)
            let staged = StagedModel(token: "", bytes: bytes, digest: digest)
            return try SelfTest(reader: reader).run(staged, label: label).1.fact
        } catch {
            return .init(problem: Failure.from(error).message, latency: nil)
        }
    }

    /// Leaves in the audit trail why a candidate does not serve.
    package func recordFailedTest(_ candidate: Candidate, _ reason: String, _ actor: String) async throws {
        try await registry.recordFailedTest(
            of: candidate.model,
            version: candidate.version,
            run: candidate.run,
            reason: reason,
            actor: actor
        )
    }

    /// Points the alias `current` to a version whose files cannot be executed; refused where a version serves.
    package func point(
        to version: ModelVersion,
        problem: String,
        by request: TransitionRequest
    ) async throws -> TransitionResult {
        let promotion = Promotion(
            name: version.name,
            version: version.version,
            problem: problem,
            runID: version.runID,
            sourcePath: "",
            digest: "",
            size: 0,
            format: "",
            metrics: version.metrics,
            at: .now()
        )
        let test = PromotionCase.SelfTest(problem: problem, latency: nil)
        return try await carryOut(promotion, .promote, .bound(otherwise: nil), test, request, servedFrom: "") {}
    }

    /// Finishes what a crash interrupted, of every model, and removes what it left; to be called before anything serves.
    package func repairAll() async throws {
        for name in files.interruptedExchanges() { try await repair(name) }
        files.sweep()
    }

    /// Finishes what a crash interrupted of one model.
    private func repair(_ name: String) async throws {
        guard files.isExchanging(name) else { return }
        let files = self.files
        try await registry.exclusively(name) { try files.repair(name, current: $0) }
    }
}
