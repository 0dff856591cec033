import BalanceSystem
package import BalanceCore

/// Gathers what a decision is made from.
package struct EvidenceSource: Sendable {
    private let governance: any Governance
    private let log: any RunLog
    private let artifacts: any ArtifactFiles
    private let reader: any PredictionReader

    /// The largest file with predictions that is read, in bytes.
    private static let maximumSize = 64 << 20

    package init(
        governance: any Governance,
        log: any RunLog,
        artifacts: any ArtifactFiles,
        reader: any PredictionReader
    ) {
        self.governance = governance
        self.log = log
        self.artifacts = artifacts
        self.reader = reader
    }

    /// Everything that a policy's decision about a candidate depends on, as it is now.
    ///
    /// Without a policy nobody is asked, and little is looked at.
    package func gather(
        _ model: String,
        _ candidate: CandidateReference,
        policy: PromotionPolicy?,
        selfTest: PromotionCase.SelfTest? = nil,
        against other: Baseline = .current,
        readsPredictions: Bool = true
    ) async throws -> PromotionCase {
        let baseline = try await baseline(other, model, policy)
        var facts = try await look(model, candidate, policy, nil, baseline)
        guard let policy else { return facts }
        if readsPredictions, policy.onMissingMetric != .legacyZero {
            var problems: [String] = []
            let ours = await table(facts.candidate, policy, &problems)
            var theirs: (table: PredictionTable, digest: String)?
            if let current = facts.current { theirs = await table(current, policy, &problems) }
            if let ours {
                facts = try await look(model, candidate, policy, ours.table.fingerprint, baseline)
            }
            facts.evidence = await EvidenceWorker.shared.evidence(
                policy,
                candidate: ours,
                current: theirs,
                attempt: facts.history.attempts + 1
            )
            try Task.checkCancellation()
            facts.evidence.problems += problems
        }
        facts.selfTest = selfTest
        return facts
    }

    /// What a candidate is compared with.
    package enum Baseline: Sendable {
        /// The version that serves.
        case current
        /// Another one, as if it served.
        case instead(CandidateReference)
        case nobody
    }

    /// The facts that stand in for the current model's; nil: they are its own.
    private func baseline(
        _ other: Baseline,
        _ model: String,
        _ policy: PromotionPolicy?
    ) async throws -> VersionFacts?? {
        switch other {
        case .current: return nil
        case .nobody: return .some(nil)
        case .instead(let reference):
            let facts = try await governance.promotionCase(
                of: model,
                reference,
                policy: policy,
                fingerprint: nil,
                at: .now()
            )
            return .some(facts.candidate)
        }
    }

    private func look(
        _ model: String,
        _ candidate: CandidateReference,
        _ policy: PromotionPolicy?,
        _ fingerprint: String?,
        _ baseline: VersionFacts??
    ) async throws -> PromotionCase {
        var facts = try await governance.promotionCase(
            of: model,
            candidate,
            policy: policy,
            fingerprint: fingerprint,
            at: .now()
        )
        if let baseline { facts.current = baseline }
        return facts
    }

    /// A version's predictions; what is in the way becomes a sentence.
    private func table(
        _ facts: VersionFacts,
        _ policy: PromotionPolicy,
        _ problems: inout [String]
    ) async -> (table: PredictionTable, digest: String)? {
        guard let digest = facts.predictionsDigest, let run = facts.runID else { return nil }
        let name = policy.data.predictions
        do {
            let uri = try await log.trackedRun(run).artifactURI
            let key = try ArtifactKey(String(uri.dropFirst("mlflow-artifacts:/".count))).appending(name)
            guard let file = try await artifacts.open(key), file.digest == digest else {
                throw Failure(.fileNotFound, "the file no longer exists")
            }
            guard file.size <= Self.maximumSize else {
                throw Failure(.datasetInvalid, "the file is larger than \(Self.maximumSize >> 20) MiB")
            }
            let bytes = try file.read(at: 0, count: file.size)
            return (try await EvidenceWorker.shared.table(bytes, name, reader), digest)
        } catch {
            let version = facts.version.map { "version \($0)" } ?? "run \(run.native)"
            problems.append("\(name) of \(version) cannot be used: \(Failure.from(error).message)")
            return nil
        }
    }
}

/// Computes evidence for one decision at a time, so that many requests for it leave threads for everything else.
private actor EvidenceWorker {
    static let shared = EvidenceWorker()

    func table(_ bytes: [UInt8], _ name: String, _ reader: any PredictionReader) throws -> PredictionTable {
        try reader.predictions(from: bytes, name: name)
    }

    func evidence(
        _ policy: PromotionPolicy,
        candidate: (table: PredictionTable, digest: String)?,
        current: (table: PredictionTable, digest: String)?,
        attempt: Int
    ) -> PolicyEvidence {
        PolicyEvidence(policy, candidate: candidate, current: current, attempt: attempt)
    }
}

extension CandidateReference {
    /// A run's model, which is no version yet.
    ///
    /// - Throws: `Failure` with code `runNotFound`.
    package static func run(_ id: RunID, in tracking: any TrackingStore) async throws -> CandidateReference {
        guard let run = try await tracking.run(id) else {
            throw Failure(.runNotFound, "run_id not found: \(id)", hint: "GET /runs or the dashboard lists the runs")
        }
        return .run(id, metrics: run.summary.metrics, digest: nil, signature: nil)
    }
}
