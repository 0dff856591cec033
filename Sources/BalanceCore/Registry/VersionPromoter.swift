/// Makes registered versions serve: the one way for everything that moves the alias `current`.
package struct VersionPromoter: Sendable {
    private let registry: any ModelRegistry
    private let files: VersionFiles
    private let promoter: Promoter

    package init(registry: any ModelRegistry, files: VersionFiles, promoter: Promoter) {
        self.registry = registry
        self.files = files
        self.promoter = promoter
    }

    /// Lets a version serve where the policy that its model is bound to allows it, or is not to be asked.
    ///
    /// A version that cannot be executed only gets the alias, and only while no version of the model serves.
    ///
    /// - Throws: `Failure` with code `promotionRefused` that gives the reason, and the decision in its details.
    package func promote(_ number: Int, of name: String, actor: String, obeysPolicy: Bool = true) async throws {
        let version = try await registry.version(number, of: name)
        let policy = obeysPolicy ? try await boundPolicy(of: name) : nil
        let (found, path) = await files.inspect(version)
        let decision: Decision
        if let path {
            decision = try await promoter.promote(
                path,
                version: number,
                run: version.runID,
                metrics: version.metrics,
                name: name,
                label: "version \(number) of \(name)",
                policy: policy,
                actor: actor
            ).decision
        } else {
            let problem = found.problem ?? "its files were not found"
            try await promoter.recordFailedTest(of: name, version: number, run: version.runID, problem, actor)
            decision = try await promoter.point(
                to: version,
                problem: problem,
                policy: policy,
                actor: actor
            )
        }
        guard decision.promotes else {
            throw Failure(
                .promotionRefused,
                "The policy '\(decision.policy)' of '\(name)' does not let version \(number) become current: "
                    + decision.reason,
                hint: "register a version with better metrics, or change the policy",
                details: decision.json
            )
        }
    }

    private func boundPolicy(of name: String) async throws -> PromotionPolicy? {
        guard let text = try await registry.policyName(of: name) else { return nil }
        guard let policy = PromotionPolicy.named(text) else {
            throw Failure(.promotionRefused, "'\(name)' is bound to the policy '\(text)', which this release lacks")
        }
        return policy
    }
}
