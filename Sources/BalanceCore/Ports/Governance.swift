/// What is to be judged.
package enum CandidateReference: Sendable {
    case version(Int)
    /// A run's model that is no version yet.
    case run(RunID?, metrics: [Metric], digest: String?, signature: String?)
}

/// A policy as it was saved.
package struct SavedPolicy: Sendable {
    package var policy: PromotionPolicy
    /// From 1, for each name.
    package var version: Int
    /// As it was written.
    package var text: String
    package var createdAt: Timestamp
    package var actor: String

    package init(policy: PromotionPolicy, version: Int, text: String, createdAt: Timestamp, actor: String) {
        self.policy = policy
        self.version = version
        self.text = text
        self.createdAt = createdAt
        self.actor = actor
    }

    package var json: JSONValue {
        .object([
            ("name", .string(policy.name)), ("version", .int(version)), ("hash", .string(policy.hash)),
            ("text", .string(text)), ("document", policy.json), ("created_at", .string(createdAt.iso8601)),
            ("actor", .string(actor)), ("warnings", .strings(policy.warnings)),
        ])
    }
}

/// Policies, and what people say about what may serve.
package protocol Governance: Sendable {
    /// Keeps a policy; one that is kept already stays as it is.
    func savePolicy(_ policy: PromotionPolicy, text: String, by actor: Actor) async throws -> SavedPolicy
    /// The newest of each name, with those that are shipped.
    func policies() async throws -> [SavedPolicy]
    /// All versions of a name, the newest first; empty for an unknown one.
    func policyVersions(_ name: String) async throws -> [SavedPolicy]
    /// A policy by its hash, or nil.
    func policy(hash: String) async throws -> SavedPolicy?
    /// The policy that a model is bound to, or nil.
    func boundPolicy(of model: String) async throws -> SavedPolicy?
    /// Binds a model to a policy that was saved, or to none.
    func bind(_ policy: SavedPolicy?, to model: String, by request: TransitionRequest) async throws

    func slot(of model: String) async throws -> Slot
    /// Of every model whose alias `current` was ever moved.
    func movedSlots() async throws -> [Slot]
    /// The moves of the alias, the newest first.
    func history(of model: String, limit: Int) async throws -> [SlotMove]
    /// The last time that a version began to serve; nil where it never did.
    func lastMove(of model: String, to version: Int) async throws -> SlotMove?
    /// Everything that a decision depends on but for the predictions row by row.
    func promotionCase(
        of model: String,
        _ candidate: CandidateReference,
        policy: PromotionPolicy?,
        fingerprint: String?,
        at: Timestamp
    ) async throws -> PromotionCase
    /// Counts a test that somebody was told the outcome of against the budget of its data set.
    func recordLook(_ facts: PromotionCase) async throws
    /// Moves the alias, or records why not, in one transaction; `install` is called last in it, with the row
    /// before.
    ///
    /// - Throws: `StaleFacts` where what was prepared no longer holds; `Failure` with code `generationConflict`,
    ///   `decisionChanged`, `idempotencyMismatch`, `modelFrozen` or `versionQuarantined`.
    func transition(
        _ transition: Transition,
        servedFrom path: String,
        install: @escaping @Sendable (CurrentModel?) throws -> Void
    ) async throws -> TransitionResult

    /// What the same request got before under its idempotency key; nil: it is new.
    ///
    /// - Throws: `Failure` with code `idempotencyMismatch` where another request had that key.
    func earlierAnswer(
        to request: TransitionRequest,
        _ kind: Transition.Kind,
        model: String
    ) async throws -> TransitionResult?

    /// Somebody's word for a version, bound to its file, the policy and the generation.
    ///
    /// - Throws: `Failure` with code `invalidParameter` where the version was made by the same person.
    func approve(_ version: Int, of model: String, by request: TransitionRequest) async throws -> JSONValue
    func freeze(_ model: String, by request: TransitionRequest) async throws -> Slot
    func unfreeze(_ model: String, by request: TransitionRequest) async throws -> Slot
    func quarantine(_ version: Int, of model: String, by request: TransitionRequest) async throws
    func release(_ version: Int, of model: String, by request: TransitionRequest) async throws
    /// Takes down anew what a version is judged by.
    func refreshSnapshot(_ version: Int, of model: String, by request: TransitionRequest) async throws -> VersionFacts
}

/// A move of the alias `current`.
package struct SlotMove: Sendable {
    package var generation: Int
    package var version: Int?
    package var kind: String
    package var at: Timestamp
    package var actor: String

    package init(generation: Int, version: Int?, kind: String, at: Timestamp, actor: String) {
        self.generation = generation
        self.version = version
        self.kind = kind
        self.at = at
        self.actor = actor
    }
}

/// The audit trail.
package protocol AuditTrail: Sendable {
    /// Lines, the newest first; `subject` nil: of all.
    func auditEvents(subject: String?, before: Int?, limit: Int) async throws -> [AuditEvent]
    /// One line, or nil.
    func auditEvent(_ sequence: Int) async throws -> AuditEvent?
    /// Lines behind one, or from the first on, the oldest first.
    func auditLines(after sequence: Int?, limit: Int) async throws -> [AuditEvent]
    func auditHead() async throws -> AuditHead?
}
