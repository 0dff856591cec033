/// What became of a request to move the alias `current`.
package struct TransitionResult: Sendable, Hashable {
    package var kind: Transition.Kind
    package var decision: Decision
    /// The version that served before.
    package var from: Int?
    /// The version that was asked for, or made.
    package var to: Int?
    /// Whether the version served already.
    package var isNoop: Bool
    /// The line of the audit trail.
    package var line: Int
    package var slot: Slot

    package init(
        kind: Transition.Kind,
        decision: Decision,
        from: Int?,
        to: Int?,
        isNoop: Bool,
        line: Int,
        slot: Slot
    ) {
        self.kind = kind
        self.decision = decision
        self.from = from
        self.to = to
        self.isNoop = isNoop
        self.line = line
        self.slot = slot
    }

    package var json: JSONValue {
        .object([
            ("ok", .bool(decision.promotes || isNoop)), ("kind", .string(kind.rawValue)),
            ("model", .string(slot.model)),
            ("from_version", .optional(from)), ("to_version", .optional(to)), ("generation", .int(slot.generation)),
            ("noop", .bool(isNoop)), ("audit_seq", .int(line)), ("decision", decision.json), ("slot", slot.json),
        ])
    }

    /// A result as it was told, so that a repeated request gets the first answer; nil for what is none.
    package init?(_ json: JSONValue) {
        guard let kind = json["kind"]?.string.flatMap(Transition.Kind.init), let line = json["audit_seq"]?.integer,
            let decision = json["decision"].flatMap(Decision.init), let slot = json["slot"].flatMap(Slot.init)
        else { return nil }
        self.init(
            kind: kind,
            decision: decision,
            from: json["from_version"]?.integer,
            to: json["to_version"]?.integer,
            isNoop: json["noop"]?.boolean ?? false,
            line: line,
            slot: slot
        )
    }
}

extension Slot {
    package var json: JSONValue {
        .object([
            ("model", .string(model)), ("alias", .string(currentAlias)), ("generation", .int(generation)),
            ("current", .optional(version)), ("problem", .optional(problem)), ("previous", .optional(previous)),
            ("policy", .optional(policy)), ("policy_hash", .optional(policyHash)),
            ("moved_at", .optional(movedAt?.iso8601)), ("frozen", .bool(freeze != nil)),
            ("frozen_by", .optional(freeze?.by)), ("frozen_reason", .optional(freeze?.reason)),
            ("forced", .bool(isForced)),
        ])
    }

    /// A slot as it was told; nil for what is none.
    fileprivate init?(_ json: JSONValue) {
        guard let model = json["model"]?.string, let generation = json["generation"]?.integer else { return nil }
        self.init(
            model: model,
            generation: generation,
            version: json["current"]?.integer,
            previous: json["previous"]?.integer,
            policy: json["policy"]?.string,
            policyHash: json["policy_hash"]?.string,
            movedAt: json["moved_at"]?.string.flatMap(Timestamp.init(iso8601:)),
            isForced: json["forced"]?.boolean ?? false
        )
        problem = json["problem"]?.string
        if json["frozen"]?.boolean == true {
            // When it was frozen is not told.
            freeze = Freeze(
                at: Timestamp(milliseconds: 0),
                by: json["frozen_by"]?.string ?? "",
                reason: json["frozen_reason"]?.string ?? ""
            )
        }
    }
}
