import BalanceService
import BalanceCore
import BalanceNet
import Hummingbird

/// What moves the alias `current` of a model, and what keeps it from moving.
struct TransitionsController: Sendable {
    let sources: GovernanceSources

    var endpoints: [Endpoint] { reads + moves + words }

    private var reads: [Endpoint] {
        [
            Endpoint(
                .governed(
                    "GET",
                    "/models/{name}/slot",
                    "The current version, its policy, and the rollback target.",
                    answer: "Slot"
                ),
                .read
            ) { .json(try await sources.governance.slot(of: $1.text("name")).json) },
            Endpoint(
                .governed(
                    "GET",
                    "/models/{name}/history",
                    "Every change of the alias current, newest first.",
                    answer: "SlotHistory"
                ),
                .read
            ) { .json(try await history($1.text("name"))) },
            Endpoint(
                .governed(
                    "GET",
                    "/models/{name}/explanation",
                    "Why the current version serves: the entry of the audit trail that made it so.",
                    answer: "Explanation"
                ),
                .read
            ) { .json(try await ServingStory($1.text("name"), sources.governance, sources.audit).json) },
            Endpoint(
                .governed(
                    "POST",
                    "/models/{name}/decisions",
                    "Evaluates a version or the model of a run against a policy; nothing is changed.",
                    body: "DecisionRequest",
                    answer: "Decision",
                    failures: [.policyInvalid, .runNotFound]
                ),
                .read
            ) { .json(try await decide($0, $1)) },
        ]
    }

    private var moves: [Endpoint] {
        [
            Endpoint(
                .governed(
                    "POST",
                    "/models/{name}/promote",
                    "Promotes a version, or the model of a run, if the policy allows it.",
                    body: "PromotionRequest",
                    answer: "Transition",
                    or: ["Decision"],
                    failures: Self.refusals + [.promotionRefused, .promotionHeld, .runNotFound, .noModelArtifact]
                ),
                .promote
            ) { .json(try await promote($0, $1)) },
            Endpoint(
                .governed(
                    "POST",
                    "/models/{name}/rollback",
                    "Rolls back to the previous version, or to the given version.",
                    body: "TransitionRequest",
                    answer: "Transition",
                    or: ["RollbackPlan"],
                    failures: Self.refusals + [.nothingToRollBackTo]
                ),
                .operate
            ) { .json(try await rollBack($0, $1)) },
            Endpoint(
                .governed(
                    "POST",
                    "/models/{name}/force",
                    "Promotes a version past the policy.",
                    body: "TransitionRequest",
                    answer: "Transition",
                    failures: Self.refusals
                ),
                .administer
            ) { .json(try await force($0, $1)) },
        ]
    }

    private static let refusals: [Failure.Code] = [
        .generationConflict, .generationRequired, .decisionChanged, .idempotencyMismatch, .modelFrozen,
        .versionQuarantined, .modelNotReadable,
    ]

    private var words: [Endpoint] {
        let governance = sources.governance
        let done = JSONValue.object([("ok", .bool(true))])
        return [
            word("freeze", "Freezes the model: no promotion, rollback or policy change.", .operate, needsReason: true) {
                try await governance.freeze($0, by: $2).json
            },
            word("unfreeze", "Unfreezes the model.", .operate) { try await governance.unfreeze($0, by: $2).json },
            word("versions/{version}/approve", "Approves a version.", .approve) {
                try await governance.approve($1(), of: $0, by: $2)
            },
            word("versions/{version}/quarantine", "Prevents a version from serving.", .operate, needsReason: true) {
                try await governance.quarantine($1(), of: $0, by: $2)
                return done
            },
            word("versions/{version}/release", "Takes a version out of quarantine.", .operate) {
                try await governance.release($1(), of: $0, by: $2)
                return done
            },
            word("versions/{version}/refresh", "Re-records the metrics and artifacts of a version.", .write) {
                try await governance.refreshSnapshot($1(), of: $0, by: $2).json
            },
        ]
    }

    /// An endpoint below a model that takes a reason: its handler gets the model's name, the version of the path, and the request.
    private func word(
        _ path: String,
        _ summary: String,
        _ permission: Permission,
        needsReason: Bool = false,
        _ body: @escaping @Sendable (String, () throws -> Int, TransitionRequest) async throws -> JSONValue
    ) -> Endpoint {
        let route = RouteDescription.governed(
            "POST",
            "/models/{name}/\(path)",
            summary,
            body: "GovernanceRequest",
            answer: "Governed",
            failures: [.generationConflict]
        )
        return Endpoint(route, permission) { request, context in
            let asked = try await GovernedRequest(request, context)
            if needsReason { try asked.requireReason() }
            return .json(try await body(context.text("name"), { try context.versionNumber() }, asked.transition))
        }
    }

    private func history(_ name: String) async throws -> JSONValue {
        _ = try await sources.registry.model(name)
        let moves = try await sources.governance.history(of: name, limit: 1000)
        return .object([
            ("model", .string(name)),
            (
                "items",
                .array(
                    moves.map { move in
                        .object([
                            ("generation", .int(move.generation)),
                            ("version", move.version.map(JSONValue.int) ?? .null), ("kind", .string(move.kind)),
                            ("at", .string(move.at.iso8601)), ("actor", .string(move.actor)),
                        ])
                    }
                )
            ),
        ])
    }

    private func decide(_ request: Request, _ context: AppContext) async throws -> JSONValue {
        let name = try context.text("name")
        let asked = try await GovernedRequest(request, context)
        let policy = try asked.fields.text("policy").map { try PromotionPolicy(parsing: $0) }
        let against = try asked.fields.text("against") ?? "current"
        var runs = [against].filter { $0 != "current" && $0 != "none" }
        if let run = try asked.fields.text("run_id") { runs.append(run) }
        if !runs.isEmpty { try await context.require(.read, runs.map(ObjectReference.run)) }
        let candidate = try await candidate(asked.fields)
        let other: EvidenceSource.Baseline
        switch against {
        case "current":
            _ = try await sources.registry.model(name)
            other = .current
        // Compared with nothing or with another run, the model need not be there yet.
        case "none": other = .nobody
        default: other = .instead(try await CandidateReference.run(RunID(native: against), in: sources.tracking))
        }
        return try await sources.promotions.explain(candidate, of: name, policy: policy, against: other).json
    }

    private func candidate(_ fields: MLflowFields) async throws -> CandidateReference {
        guard let run = try fields.text("run_id") else { return .version(try Self.version(fields)) }
        return try await CandidateReference.run(RunID(native: run), in: sources.tracking)
    }

    private func promote(_ request: Request, _ context: AppContext) async throws -> JSONValue {
        let (name, asked) = (try context.text("name"), try await GovernedRequest(request, context))
        if let run = try asked.fields.text("run_id") { return try await promote(run: run, of: name, asked, context) }
        let version = try Self.version(asked.fields)
        let slot = try await sources.governance.slot(of: name)
        if asked.isDryRun { return try await sources.promotions.preview(version, of: name).json }
        try asked.requireReason()
        try asked.requireGeneration(slot)
        return try await sources.promotions.requirePromotion(version, of: name, by: asked.transition).json
    }

    /// Promotes what a run recorded.
    ///
    /// `latest` is the newest run; a model that does not exist is made where that is asked for.
    private func promote(
        run: String,
        of name: String,
        _ asked: GovernedRequest,
        _ context: AppContext
    ) async throws -> JSONValue {
        if run != "latest" { try await context.require(.read, [.run(run)]) }
        let id = run == "latest" ? nil : RunID(native: run)
        if try asked.fields.flag("create") {
            try await context.require(.write, [.model(name)])
        } else {
            _ = try await sources.registry.model(name)
        }
        if asked.isDryRun { return try await sources.runs.preview(id, of: name).json }
        return try await sources.runs.promote(id, of: name, by: asked.transition).json
    }

    private func rollBack(_ request: Request, _ context: AppContext) async throws -> JSONValue {
        let (name, asked) = (try context.text("name"), try await GovernedRequest(request, context))
        let target = try asked.fields.integer("to")
        if asked.isDryRun { return try await sources.promotions.planRollback(of: name, to: target).json }
        try asked.requireReason()
        try await asked.requireGeneration(sources.governance.slot(of: name))
        return try await sources.promotions.rollBack(name, to: target, by: asked.transition).json
    }

    private func force(_ request: Request, _ context: AppContext) async throws -> JSONValue {
        let (name, asked) = (try context.text("name"), try await GovernedRequest(request, context))
        try await asked.requireGeneration(sources.governance.slot(of: name))
        let version = try Self.version(asked.fields)
        return try await sources.promotions.force(version, of: name, by: asked.transition).json
    }

    private static func version(_ fields: MLflowFields) throws -> Int {
        guard let version = try fields.integer("version") else { throw fields.missing("version") }
        return version
    }
}
