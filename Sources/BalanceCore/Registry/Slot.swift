/// What is governed of a registered model: which version the alias `current` points to, by which rules, and how it came
/// to be so.
package struct Slot: Sendable, Hashable {
    /// Who keeps everything as it is, since when and why.
    package struct Freeze: Sendable, Hashable {
        package var at: Timestamp
        package var by: String
        package var reason: String

        package init(at: Timestamp, by: String, reason: String) {
            self.at = at
            self.by = by
            self.reason = reason
        }
    }

    package var model: String
    /// Counts what happened to the alias; never goes back.
    package var generation: Int
    package var version: Int?
    /// Why that version cannot be executed, where it cannot: it has the alias and answers nothing.
    package var problem: String?
    /// The version that a rollback goes to: the last other one that served, was not rolled back and may serve.
    package var previous: Int?
    package var policy: String?
    package var policyHash: String?
    package var promotedAt: Timestamp?
    package var movedAt: Timestamp?
    package var freeze: Freeze?
    /// Whether what serves was forced past the policy.
    package var isForced: Bool

    package init(
        model: String,
        generation: Int = 0,
        version: Int? = nil,
        previous: Int? = nil,
        policy: String? = nil,
        policyHash: String? = nil,
        promotedAt: Timestamp? = nil,
        movedAt: Timestamp? = nil,
        freeze: Freeze? = nil,
        isForced: Bool = false
    ) {
        self.model = model
        self.generation = generation
        self.version = version
        self.previous = previous
        self.policy = policy
        self.policyHash = policyHash
        self.promotedAt = promotedAt
        self.movedAt = movedAt
        self.freeze = freeze
        self.isForced = isForced
    }
}

/// What somebody asks for that moves the alias `current`.
package struct TransitionRequest: Sendable {
    package var actor: Actor
    /// Why, in the words of who asked.
    package var reason: String
    /// What the caller saw: another generation refuses; nil takes whatever it is.
    package var expectedGeneration: Int?
    /// The hash of a decision that was looked at before: another one refuses.
    package var ifDecision: String?
    /// The same key again gets the answer that the first one got.
    package var idempotencyKey: String?
    /// What was asked for, as far as a repeated request must ask for the same: a version, or `previous`.
    package var target = ""

    /// Tells this request from others that come with the same idempotency key.
    package func fingerprint(_ kind: Transition.Kind, _ model: String) -> String {
        ContentHash.of(
            .strings([
                kind.rawValue, model, target, reason, expectedGeneration.map(String.init) ?? "", ifDecision ?? "",
            ])
        )
    }

    package init(
        by actor: Actor,
        reason: String = "",
        expectedGeneration: Int? = nil,
        ifDecision: String? = nil,
        idempotencyKey: String? = nil
    ) {
        self.actor = actor
        self.reason = reason
        self.expectedGeneration = expectedGeneration
        self.ifDecision = ifDecision
        self.idempotencyKey = idempotencyKey
    }
}

/// A move of the alias that was prepared and is to be carried out in one transaction.
package struct Transition: Sendable {
    package enum Kind: String, Sendable { case promote, rollback, force }

    package var kind: Kind
    package var request: TransitionRequest
    package var promotion: Promotion
    /// The policy that judges; nil: nobody is asked.
    package var policy: PromotionPolicy?
    /// The policy whose word is recorded and not obeyed, where nobody is asked.
    package var advisor: PromotionPolicy?
    /// The policy that the model was bound to when this was prepared.
    package var boundHash: String?
    /// What was known when this was prepared.
    package var facts: PromotionCase

    package init(
        kind: Kind,
        request: TransitionRequest,
        promotion: Promotion,
        policy: PromotionPolicy?,
        boundHash: String?,
        facts: PromotionCase
    ) {
        self.kind = kind
        self.request = request
        self.promotion = promotion
        self.policy = policy
        self.boundHash = boundHash
        self.facts = facts
    }
}

/// What a decision rests on changed between its preparation and the transaction; it is to be prepared again.
package struct StaleFacts: Error {
    package init() {}
}
