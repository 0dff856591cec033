import BalanceSystem
import BalanceCore

extension PromotionService {
    /// A file that is to serve.
    struct Candidate {
        var model: String
        /// The registered version that the file belongs to; nil: a new one is recorded.
        var version: Int?
        /// The run that made it, where that is known.
        var run: RunID?
        var metrics: [Metric]
        /// What messages call the file.
        var label: String

        init(_ version: ModelVersion) {
            model = version.name
            self.version = version.version
            run = version.runID
            metrics = version.metrics
            label = "version \(version.version) of \(version.name)"
        }

        init(model: String, run: RunID, metrics: [Metric], label: String) {
            self.model = model
            self.run = run
            self.metrics = metrics
            self.label = label
        }
    }

    /// Who decides.
    enum Judge {
        /// The policy that the model is bound to; where it is bound to none, this one, or nobody.
        case bound(otherwise: PromotionPolicy?)
        /// The caller; what the policy says is recorded and not obeyed.
        case caller
    }

    /// Moves the alias `current` to a file: read once, tried, judged, and exchanged together with the row in one
    /// transaction.
    ///
    /// - Throws: `Failure` with code `modelFileMissing`, `modelNotReadable`, those of ``Governance/transition`` or one of
    ///   the database's; then nothing changed.
    func serve(
        _ candidate: Candidate,
        _ kind: Transition.Kind,
        _ judge: Judge,
        by request: TransitionRequest,
        load: () async throws -> LoadedFile
    ) async throws -> TransitionResult {
        let name = candidate.model
        try await repair(name)
        do {
            let file = try await load()
            let measured = try SelfTest.run(file, label: candidate.label)
            return try await exchange(candidate, file, kind, judge, measured, by: request)
        } catch let failure as Failure where failure.code == .modelNotReadable {
            try? await recordFailedTest(candidate, failure.message, by: request.actor)
            throw failure
        }
    }

    /// Carries a transition out, with the file beside the served one as its last step.
    private func exchange(
        _ candidate: Candidate,
        _ file: LoadedFile,
        _ kind: Transition.Kind,
        _ judge: Judge,
        _ measured: SelfTest.Measured,
        by request: TransitionRequest
    ) async throws -> TransitionResult {
        let (name, files) = (candidate.model, self.files)
        let path = try files.currentPath(of: name)
        let staged = try files.stage(file.bytes, digest: file.digest, for: name)
        CrashPoint.reach("staged")
        do {
            var promotion = Promotion(candidate, file)
            promotion.selfTest = measured.json
            let result = try await carryOut(promotion, kind, judge, measured.fact, request, servedFrom: path) {
                CrashPoint.reach("recorded")
                try files.install(staged, for: name, over: $0)
                CrashPoint.reach("installed")
            }
            CrashPoint.reach("committed")
            // The row holds now. Where the end of the exchange is missed, whoever comes next finds the note and does it.
            files.finish(staged, for: name)
            CrashPoint.reach("finished")
            return result
        } catch {
            files.discard(staged, for: name)
            try? await repair(name)
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
        install: @escaping @Sendable (CurrentModel?) throws -> Void
    ) async throws -> TransitionResult {
        for _ in 0..<20 {
            let transition = try await prepare(promotion, kind, judge, selfTest, request)
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

    private func prepare(
        _ promotion: Promotion,
        _ kind: Transition.Kind,
        _ judge: Judge,
        _ selfTest: PromotionCase.SelfTest?,
        _ request: TransitionRequest
    ) async throws -> Transition {
        let bound = try await governance.boundPolicy(of: promotion.name)?.policy
        let (policy, isAsked) =
            switch judge {
            case .bound(let other): (bound ?? other, true)
            case .caller: (bound, false)
            }
        let facts = try await evidence.gather(
            promotion.name,
            promotion.candidate,
            policy: policy,
            // What the policy does not ask for is no part of its inputs: a dry run does not measure it.
            selfTest: policy?.asksForSelfTest == true ? selfTest : nil,
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
            boundHash: bound?.hash,
            facts: facts
        )
        transition.advisor = isAsked ? nil : policy
        return transition
    }

    /// Leaves in the audit trail why a candidate does not serve.
    func recordFailedTest(_ candidate: Candidate, _ reason: String, by actor: Actor) async throws {
        try await store.recordFailedTest(
            of: candidate.model,
            version: candidate.version,
            run: candidate.run,
            reason: reason,
            by: actor
        )
    }

    /// Points the alias `current` to a version whose files cannot be executed; refused where a version serves.
    func point(
        to version: ModelVersion,
        problem: String,
        by request: TransitionRequest
    ) async throws
        -> TransitionResult
    {
        let test = PromotionCase.SelfTest(problem: problem, latency: nil)
        let promotion = Promotion(version, problem: problem)
        return try await carryOut(promotion, .promote, .bound(otherwise: nil), test, request, servedFrom: "") { _ in }
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
        try await store.exclusively(name) { try files.repair(name, current: $0) }
    }
}

extension Promotion {
    fileprivate init(_ candidate: PromotionService.Candidate, _ file: LoadedFile) {
        self.init(
            name: candidate.model,
            version: candidate.version,
            runID: candidate.run,
            sourcePath: file.path,
            digest: file.digest,
            size: file.bytes.count,
            format: file.model.format,
            metrics: candidate.metrics,
            at: .now()
        )
        signature = file.signature
    }

    /// Of a version that cannot be executed.
    fileprivate init(_ version: ModelVersion, problem: String) {
        self.init(
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
    }
}
