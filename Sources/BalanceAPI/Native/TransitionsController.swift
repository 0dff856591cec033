import BalanceCore
import Hummingbird

/// What moves the alias `current` of a model, and what keeps it from moving.
struct TransitionsController: Sendable {
    let sources: GovernanceSources

    private static let moves: [Failure.Code] = [
        .generationConflict, .generationRequired, .decisionChanged, .idempotencyMismatch, .modelFrozen,
        .versionQuarantined, .modelNotReadable,
    ]

    static let routes: [RouteDescription] = [
        .governed(
            "GET",
            "/models/{name}/slot",
            "The current version, its policy, and the rollback target.",
            answer: "Slot"
        ),
        .governed(
            "GET",
            "/models/{name}/history",
            "Every change of the alias current, newest first.",
            answer: "SlotHistory"
        ),
        .governed(
            "POST",
            "/models/{name}/decisions",
            "Evaluates a version or the model of a run against a policy; nothing is changed.",
            body: "DecisionRequest",
            answer: "Decision",
            failures: [.policyInvalid, .runNotFound]
        ),
        .governed(
            "POST",
            "/models/{name}/promote",
            "Promotes a version if the policy allows it.",
            body: "TransitionRequest",
            answer: "Transition",
            or: ["Decision"],
            failures: moves + [.promotionRefused, .promotionHeld]
        ),
        .governed(
            "POST",
            "/models/{name}/rollback",
            "Rolls back to the previous version, or to the given version.",
            body: "TransitionRequest",
            answer: "Transition",
            or: ["RollbackPlan"],
            failures: moves + [.nothingToRollBackTo]
        ),
        .governed(
            "POST",
            "/models/{name}/force",
            "Promotes a version past the policy.",
            body: "TransitionRequest",
            answer: "Transition",
            failures: moves
        ),
        word("/models/{name}/freeze", "Freezes the model: no promotion, rollback or policy change."),
        word("/models/{name}/unfreeze", "Unfreezes the model."),
        word("/models/{name}/versions/{version}/approve", "Approves a version."),
        word("/models/{name}/versions/{version}/quarantine", "Prevents a version from serving."),
        word("/models/{name}/versions/{version}/release", "Takes a version out of quarantine."),
        word("/models/{name}/versions/{version}/refresh", "Re-records the metrics and artifacts of a version."),
    ]

    private static func word(_ path: String, _ summary: String) -> RouteDescription {
        .governed("POST", path, summary, body: "GovernanceRequest", answer: "Governed", failures: [.generationConflict])
    }

    func addRoutes(to router: Router<AppContext>) {
        router.get("/models/:name/slot") { _, context in
            Response.json(try await sources.governance.slot(of: context.text("name")).json)
        }
        router.get("/models/:name/history") { _, context in Response.json(try await history(context.text("name"))) }
        router.post("/models/:name/decisions") { request, context in
            Response.json(try await decide(request, context))
        }
        router.post("/models/:name/promote") { request, context in Response.json(try await promote(request, context)) }
        router.post("/models/:name/rollback") { request, context in Response.json(try await rollBack(request, context))
        }
        router.post("/models/:name/force") { request, context in
            let (name, asked) = (try context.text("name"), try await GovernedRequest(request, context))
            try await asked.requireGeneration(sources.governance.slot(of: name))
            let version = try Self.version(asked.fields)
            return Response.json(try await sources.promoter.force(version, of: name, by: asked.transition).json)
        }
        addWords(to: router)
    }

    private func addWords(to router: Router<AppContext>) {
        let governance = sources.governance
        router.post("/models/:name/freeze") { request, context in
            let asked = try await GovernedRequest(request, context)
            try asked.requireReason()
            return Response.json(try await governance.freeze(context.text("name"), by: asked.transition).json)
        }
        router.post("/models/:name/unfreeze") { request, context in
            let asked = try await GovernedRequest(request, context)
            return Response.json(try await governance.unfreeze(context.text("name"), by: asked.transition).json)
        }
        router.post("/models/:name/versions/:version/approve") { request, context in
            let asked = try await GovernedRequest(request, context)
            return Response.json(
                try await governance.approve(context.versionNumber(), of: context.text("name"), by: asked.transition)
            )
        }
        router.post("/models/:name/versions/:version/quarantine") { request, context in
            let asked = try await GovernedRequest(request, context)
            try asked.requireReason()
            try await governance.quarantine(context.versionNumber(), of: context.text("name"), by: asked.transition)
            return Response.json(.object([("ok", .bool(true))]))
        }
        router.post("/models/:name/versions/:version/release") { request, context in
            let asked = try await GovernedRequest(request, context)
            try await governance.release(context.versionNumber(), of: context.text("name"), by: asked.transition)
            return Response.json(.object([("ok", .bool(true))]))
        }
        router.post("/models/:name/versions/:version/refresh") { request, context in
            let asked = try await GovernedRequest(request, context)
            let facts = try await governance.refreshSnapshot(
                context.versionNumber(),
                of: context.text("name"),
                by: asked.transition
            )
            return Response.json(facts.json)
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
        let candidate = try await candidate(asked.fields)
        let against = try asked.fields.text("against") ?? "current"
        let other: EvidenceSource.Opponent
        switch against {
        case "current":
            _ = try await sources.registry.model(name)
            other = .current
        // Compared with nothing or with another run, the model need not be there yet.
        case "none": other = .nobody
        default: other = .instead(try await CandidateReference.run(RunID(native: against), in: sources.tracking))
        }
        return try await sources.promoter.explain(candidate, of: name, policy: policy, against: other).json
    }

    private func candidate(_ fields: MLflowFields) async throws -> CandidateReference {
        guard let run = try fields.text("run_id") else { return .version(try Self.version(fields)) }
        return try await CandidateReference.run(RunID(native: run), in: sources.tracking)
    }

    private func promote(_ request: Request, _ context: AppContext) async throws -> JSONValue {
        let (name, asked) = (try context.text("name"), try await GovernedRequest(request, context))
        let version = try Self.version(asked.fields)
        let slot = try await sources.governance.slot(of: name)
        if asked.isDryRun { return try await sources.promoter.preview(version, of: name).json }
        try asked.requireReason()
        try asked.requireGeneration(slot)
        return try await sources.promoter.requirePromotion(version, of: name, by: asked.transition).json
    }

    private func rollBack(_ request: Request, _ context: AppContext) async throws -> JSONValue {
        let (name, asked) = (try context.text("name"), try await GovernedRequest(request, context))
        let target = try asked.fields.integer("to")
        if asked.isDryRun { return try await sources.promoter.planRollback(of: name, to: target).json }
        try asked.requireReason()
        try await asked.requireGeneration(sources.governance.slot(of: name))
        return try await sources.promoter.rollBack(name, to: target, by: asked.transition).json
    }

    private static func version(_ fields: MLflowFields) throws -> Int {
        guard let version = try fields.integer("version") else { throw fields.missing("version") }
        return version
    }
}
