/// What one rule said about a candidate.
package struct RuleResult: Sendable, Hashable {
    package enum Verdict: String, Sendable { case pass, fail, inconclusive, skipped, error }

    package var id: String
    package var verdict: Verdict
    package var metric: String?
    package var candidate: Double?
    package var current: Double?
    /// The gain in the rule's direction.
    package var delta: Double?
    /// What the rule asks of the gain, or of the value where it looks at no other model.
    package var threshold: Double?
    /// The value with which the candidate would just have passed.
    package var bound: Double?
    /// How much is missing; nil where nothing is.
    package var shortfall: Double?
    /// How many rows it was judged on.
    package var rows: Int?
    /// The bounds of the gain.
    package var interval: ClosedRange<Double>?
    /// The chance of a gain like this between models that are equally good.
    package var chance: Double?
    /// One sentence for people.
    package var reason: String
    /// What would have to change, where it did not pass.
    package var next: String?

    package init(_ id: String, _ verdict: Verdict, _ reason: String, next: String? = nil) {
        self.id = id
        self.verdict = verdict
        self.reason = reason
        self.next = next
    }

    package var json: JSONValue {
        func number(_ value: Double?) -> JSONValue { value.map(JSONValue.finite) ?? .null }
        return .object([
            ("id", .string(id)), ("result", .string(verdict.rawValue)), ("metric", .optional(metric)),
            ("candidate", number(candidate)), ("current", number(current)), ("delta", number(delta)),
            ("threshold", number(threshold)), ("bound", number(bound)), ("shortfall", number(shortfall)),
            ("n", rows.map(JSONValue.int) ?? .null),
            ("ci", interval.map { .array([.double($0.lowerBound), .double($0.upperBound)]) } ?? .null),
            ("chance", number(chance)), ("reason", .string(reason)), ("next", .optional(next)),
        ])
    }
}

/// What a policy said about a candidate, and why.
package struct Decision: Sendable, Hashable {
    package enum Outcome: String, Sendable { case promote, reject, hold }

    package var outcome: Outcome
    /// The policy's name; `none` where nobody asked one.
    package var policy: String
    package var policyHash: String?
    /// One line for people.
    package var reason: String
    /// Every rule of the policy in its order, then its other conditions.
    package var rules: [RuleResult]
    package var warnings: [String] = []
    package var model: String
    package var version: Int?
    package var currentVersion: Int?
    package var generation: Int
    package var inputsHash: String

    package var promotes: Bool { outcome == .promote }

    /// What would have to change, rule by rule.
    package var next: [String] { rules.compactMap(\.next) }

    /// Tells this decision from all others: the inputs, the policy and what each rule said.
    package var hash: String {
        let results = rules.map { JSONValue.strings([$0.id, $0.verdict.rawValue]) }
        return ContentHash.of(
            .object([
                ("inputs", .string(inputsHash)), ("policy", .optional(policyHash)),
                ("outcome", .string(outcome.rawValue)), ("rules", .array(results)),
            ])
        )
    }

    package var json: JSONValue {
        .object([
            ("decision", .string(outcome.rawValue)), ("promotes", .bool(promotes)), ("reason", .string(reason)),
            ("policy", .string(policy)), ("policy_hash", .optional(policyHash)),
            (
                "slot",
                .object([
                    ("model", .string(model)), ("alias", .string(currentAlias)), ("generation", .int(generation)),
                    ("current", currentVersion.map(JSONValue.int) ?? .null),
                ])
            ),
            ("candidate", version.map(JSONValue.int) ?? .null), ("rules", .array(rules.map(\.json))),
            ("would_promote", .bool(promotes)), ("next", .strings(next)), ("warnings", .strings(warnings)),
            ("inputs_hash", .string(inputsHash)), ("decision_hash", .string(hash)),
        ])
    }

    /// What holds where a person decides and no policy is asked.
    package static func byHand(_ facts: PromotionCase, reason: String = "promoted by hand") -> Decision {
        Decision(
            outcome: .promote,
            policy: "none",
            policyHash: nil,
            reason: reason,
            rules: [],
            model: facts.model,
            version: facts.candidate.version,
            currentVersion: facts.current?.version,
            generation: facts.generation,
            inputsHash: facts.hash
        )
    }
}

extension Decision {
    /// A decision as it was told; nil for what is none.
    package init?(_ json: JSONValue) {
        guard let outcome = json["decision"]?.string.flatMap(Outcome.init), let reason = json["reason"]?.string,
            let policy = json["policy"]?.string, let model = json["slot"]?["model"]?.string,
            let generation = json["slot"]?["generation"]?.integer, let inputs = json["inputs_hash"]?.string
        else { return nil }
        let rules = (json["rules"]?.elements ?? []).map(RuleResult.init)
        guard rules.allSatisfy({ $0 != nil }) else { return nil }
        self.init(
            outcome: outcome,
            policy: policy,
            policyHash: json["policy_hash"]?.string,
            reason: reason,
            rules: rules.compactMap { $0 },
            warnings: json["warnings"]?.elements?.compactMap(\.string) ?? [],
            model: model,
            version: json["candidate"]?.integer,
            currentVersion: json["slot"]?["current"]?.integer,
            generation: generation,
            inputsHash: inputs
        )
    }
}

extension RuleResult {
    fileprivate init?(_ json: JSONValue) {
        guard let id = json["id"]?.string, let verdict = json["result"]?.string.flatMap(Verdict.init) else {
            return nil
        }
        self.init(id, verdict, json["reason"]?.string ?? "", next: json["next"]?.string)
        metric = json["metric"]?.string
        candidate = json["candidate"]?.number
        current = json["current"]?.number
        delta = json["delta"]?.number
        threshold = json["threshold"]?.number
        bound = json["bound"]?.number
        shortfall = json["shortfall"]?.number
        rows = json["n"]?.integer
        chance = json["chance"]?.number
        let bounds = json["ci"]?.elements?.compactMap(\.number) ?? []
        if bounds.count == 2, bounds[0] <= bounds[1] { interval = bounds[0]...bounds[1] }
    }
}
