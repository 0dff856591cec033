import Foundation

/// The written rule that a candidate must satisfy to replace the current model.
package struct PromotionPolicy: Sendable, Hashable {
    /// One condition: the candidate's metric may not be below the current model's by more than an allowed change.
    package struct Rule: Sendable, Hashable {
        package var metric: String
        /// What is added to the current value to get the bound: positive asks for a gain, negative allows a loss.
        package var change: Double

        package init(metric: String, change: Double) {
            self.metric = metric
            self.change = change
        }
    }

    package var name: String
    package var rules: [Rule]

    package init(name: String, rules: [Rule]) {
        self.name = name
        self.rules = rules
    }

    /// The policy of the original: half a point more balanced accuracy, at most one point less recall.
    package static let standard = PromotionPolicy(
        name: "default",
        rules: [Rule(metric: "bal_acc", change: 0.005), Rule(metric: "recall_1", change: -0.01)]
    )

    /// The policy that a model may be bound to by this name, or nil.
    package static func named(_ name: String) -> PromotionPolicy? { name == standard.name ? standard : nil }

    /// Judges a candidate rule by rule.
    ///
    /// A metric that was never logged counts as 0, as in the original, and a NaN satisfies no rule. Where `current` is
    /// nil or empty no model serves yet, and any candidate may.
    package func decide(candidate: [Metric], current: [Metric]?) -> Decision {
        guard let current, !current.isEmpty else {
            return Decision(policy: name, promotes: true, reason: "no current model yet", verdicts: [])
        }
        let verdicts = rules.map { rule in
            let before = current.value(of: rule.metric) ?? 0
            let after = candidate.value(of: rule.metric) ?? 0
            return Verdict(rule: rule, candidate: after, current: before, passed: after >= before + rule.change)
        }
        let promotes = verdicts.allSatisfy(\.passed)
        return Decision(policy: name, promotes: promotes, reason: reason(promotes, verdicts), verdicts: verdicts)
    }

    private func reason(_ promotes: Bool, _ verdicts: [Verdict]) -> String {
        let changes = verdicts.map { verdict in
            (verdict.rule.metric, String(format: "%.4f->%.4f", verdict.current, verdict.candidate))
        }
        if promotes { return changes.first.map { "improved \($0.0) \($0.1)" } ?? "no rule to satisfy" }
        return "not enough improvement (" + changes.map { "\($0.0.prefix(3)) \($0.1)" }.joined(separator: ", ") + ")"
    }
}

/// What one rule said about one candidate.
package struct Verdict: Sendable, Hashable {
    package var rule: PromotionPolicy.Rule
    package var candidate: Double
    package var current: Double
    package var passed: Bool

    /// The least value with which the candidate would have passed.
    package var bound: Double { current + rule.change }

    package var json: JSONValue {
        .object([
            ("metric", .string(rule.metric)), ("candidate", .double(candidate)), ("current", .double(current)),
            ("bound", .double(bound)), ("passed", .bool(passed)),
        ])
    }
}

/// What a policy said about a candidate, and why.
package struct Decision: Sendable, Hashable {
    package var policy: String
    package var promotes: Bool
    /// One line for people.
    package var reason: String
    package var verdicts: [Verdict]

    package init(policy: String, promotes: Bool, reason: String, verdicts: [Verdict]) {
        self.policy = policy
        self.promotes = promotes
        self.reason = reason
        self.verdicts = verdicts
    }

    /// What holds where a person decides and no policy is asked.
    package static let byHand = Decision(policy: "none", promotes: true, reason: "promoted by hand", verdicts: [])

    package var json: JSONValue {
        .object([
            ("policy", .string(policy)), ("promotes", .bool(promotes)), ("reason", .string(reason)),
            ("verdicts", .array(verdicts.map(\.json))),
        ])
    }
}
