package import BalanceCore

/// The promotion of the model file that a run recorded, as the next version of a registered model.
package struct RunPromotion: Sendable {
    private let tracking: any TrackingStore
    private let artifacts: any ArtifactStore
    private let files: any ModelFiles
    private let promotions: PromotionService

    package init(
        tracking: any TrackingStore,
        artifacts: any ArtifactStore,
        files: any ModelFiles,
        promotions: PromotionService
    ) {
        self.tracking = tracking
        self.artifacts = artifacts
        self.files = files
        self.promotions = promotions
    }

    /// What was done, and where the model that serves is now.
    package struct Result: Sendable {
        package var transition: TransitionResult
        package var run: RunID
        package var path: String

        package var json: JSONValue {
            .object((transition.json.members ?? []) + [("run_id", .string(run.native)), ("path", .string(path))])
        }
    }

    /// Promotes the model of a run; without one, of the newest run.
    ///
    /// With a path that file is taken instead of the recorded one, and the model must not be bound to a policy.
    ///
    /// - Throws: `Failure` with code `runNotFound`, `noModelArtifact`, `promotionRefused`, `promotionHeld` or another of a
    ///   promotion.
    package func promote(
        _ id: RunID?,
        of name: String,
        file: String? = nil,
        by request: TransitionRequest
    ) async throws -> Result {
        let detail = try await detail(id)
        let run = detail.summary.id
        let path = try file ?? recorded(detail)
        if file != nil, let bound = try await promotions.governance.boundPolicy(of: name) {
            throw Failure(
                .invalidArgument,
                "'\(name)' is bound to policy '\(bound.policy.name)', which cannot evaluate a file by a run's metrics",
                hint: "run balanceops models import FILE --name \(name), then promote that version"
            )
        }
        let outcome = try await promotions.promote(
            file ?? artifacts.resolve(path) ?? path,
            of: name,
            run: run,
            metrics: detail.summary.metrics,
            by: request
        )
        if !outcome.isNoop, let failure = PromotionService.failure(outcome.decision, "run \(run)", of: name) {
            throw failure
        }
        return Result(transition: outcome, run: run, path: try files.currentPath(of: name))
    }

    /// What the policy of a model says of the model of a run.
    package func preview(_ id: RunID?, of name: String) async throws -> Decision {
        let run = try await detail(id).summary.id
        return try await promotions.explain(.run(run, in: tracking), of: name)
    }

    private func recorded(_ detail: RunDetail) throws -> String {
        let named = ["model_candidate", "model_current", "model"].lazy.compactMap { kind in
            detail.artifacts.first { $0.kind == kind && !$0.path.isEmpty }
        }.first
        guard let found = named ?? detail.artifacts.first else {
            let id = detail.summary.id
            throw Failure(
                .noModelArtifact,
                "no model artifact found for run_id: \(id)",
                hint: "balanceops promote --run-id \(id) --model-path FILE"
            )
        }
        return found.path
    }

    private func detail(_ id: RunID?) async throws -> RunDetail {
        guard let id else {
            if let latest = try await latestRun(tracking, artifacts) { return latest }
            throw Failure(.runNotFound, "no runs found", hint: "balanceops train-dummy")
        }
        if let detail = try await tracking.run(id) { return detail }
        throw Failure(.runNotFound, "run_id not found: \(id)", hint: "GET /runs or the dashboard lists the runs")
    }
}
