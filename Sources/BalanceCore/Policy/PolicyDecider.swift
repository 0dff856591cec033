import Foundation

extension PromotionPolicy {
    /// Judges a candidate: a pure function of this policy and the facts, with no clock and no randomness of its own.
    ///
    /// A rule that cannot be applied is no pass. Where one fails, the candidate is rejected; where none fails but one is
    /// inconclusive or in error, it is held for somebody to look at.
    package func decide(_ facts: PromotionCase) -> Decision {
        let decider = PolicyDecider(policy: self, facts: facts)
        let rules = decider.results()
        let verdicts = Set(rules.map(\.verdict))
        let outcome: Decision.Outcome =
            if facts.edition == 1, verdicts.contains(.error) {
                .hold
            } else if verdicts.contains(.fail) {
                .reject
            } else if verdicts.contains(.error) || verdicts.contains(.inconclusive) {
                .hold
            } else {
                .promote
            }
        var decision = Decision(
            outcome: outcome,
            policy: name,
            policyHash: hash,
            reason: "",
            rules: rules,
            model: facts.model,
            version: facts.candidate.version,
            currentVersion: facts.current?.version,
            generation: facts.generation,
            inputsHash: facts.hash
        )
        decision.reason = decider.summary(rules, outcome)
        decision.warnings = decider.warnings
        return decision
    }
}

/// Applies the rules of one policy to one case.
struct PolicyDecider {
    let policy: PromotionPolicy
    let facts: PromotionCase

    /// Whether candidates are judged as the first: nothing serves, or what serves cannot be compared with by choice.
    var isFirst: Bool {
        guard let current = facts.current else { return true }
        if policy.onMissingMetric == .legacyZero { return current.metrics.isEmpty }
        return policy.onBrokenCurrent == .treatAsFirst && brokenCurrent != nil
    }

    /// Why the current model cannot be compared with.
    var brokenCurrent: String? {
        guard let current = facts.current, policy.onMissingMetric != .legacyZero else { return nil }
        if let problem = current.problem { return "the current version \(current.version ?? 0) is broken: \(problem)" }
        let keys = Set(policy.rules.filter(\.isRelative).map(\.metric))
        for metric in current.metrics where keys.contains(metric.key) && !metric.value.isFinite {
            return "the current version \(current.version ?? 0) is broken: its \(metric.key) is \(metric.value)"
        }
        return nil
    }

    func results() -> [RuleResult] {
        var results = policy.clauses.flatMap { clause -> [RuleResult] in
            switch clause {
            case .rule(let rule): return result(of: rule)
            case .any(let id, let rules): return [any(id, rules.map { worst($0.id, result(of: $0)) })]
            }
        }
        results += conditions()
        return results
    }

    /// Whether anything was judged: a pause that is over says nothing of a candidate.
    func hasVerdict(_ rules: [RuleResult]) -> Bool {
        rules.contains { $0.verdict != .skipped && !$0.id.hasPrefix("cooldown.") }
    }

    /// What a rule says of all its slices: the worst that it says of one.
    private func worst(_ id: String, _ results: [RuleResult]) -> RuleResult {
        let order: [RuleResult.Verdict] = [.error, .fail, .inconclusive, .skipped]
        let found = order.lazy.compactMap { verdict in results.first { $0.verdict == verdict } }.first
        var result = found ?? results.first ?? RuleResult(id, .inconclusive, "nothing was judged")
        result.id = id
        return result
    }

    /// One of several is enough.
    private func any(_ id: String, _ results: [RuleResult]) -> RuleResult {
        let parts = results.map { "\($0.id): \($0.verdict.rawValue)" }.joined(separator: ", ")
        if results.contains(where: { $0.verdict == .pass }) { return RuleResult(id, .pass, "one is enough: \(parts)") }
        let order: [RuleResult.Verdict] = [.error, .inconclusive, .fail, .skipped]
        let worst = order.first { verdict in results.contains { $0.verdict == verdict } } ?? .fail
        return RuleResult(id, worst, "none of these passes: \(parts)", next: results.compactMap(\.next).first)
    }

    private func result(of rule: PolicyRule) -> [RuleResult] {
        let skipsAll = facts.edition == 1 && policy.onFirst == .allow
        if isFirst, !skipsAll, rule.isRelative, rule.minimum != nil || rule.maximum != nil {
            // Its bounds compare with nothing, so they hold.
            var bounds = rule
            bounds.change = nil
            return MetricVerdict(decider: self, rule: bounds).results()
        }
        if isFirst, skipsAll || rule.isRelative {
            return [RuleResult(rule.id, .skipped, "no current model to compare with").on(rule)]
        }
        if rule.test != nil { return PairedVerdict(decider: self, rule: rule).results() }
        return MetricVerdict(decider: self, rule: rule).results()
    }

    /// One line about all of it; for the original's policy in the original's words.
    func summary(_ rules: [RuleResult], _ outcome: Decision.Outcome) -> String {
        if isFirst, outcome == .promote { return "no current model yet" }
        if policy.clauses == PromotionPolicy.original.clauses, outcome != .hold,
            !rules.contains(where: { $0.verdict == .fail && $0.metric == nil })
        {
            return originalSummary(rules, outcome)
        }
        switch outcome {
        case .promote:
            let gain = rules.first { ($0.delta ?? 0) > 0 }
            let change = gain.flatMap { $0.metric.map { ($0, gain?.current ?? 0, gain?.candidate ?? 0) } }
            let gains = change.map { ", \($0.0) \(Self.four($0.1))->\(Self.four($0.2))" } ?? ""
            return "all \(rules.count) rules passed\(gains)"
        case .reject, .hold:
            let open = rules.filter {
                outcome == .reject ? $0.verdict == .fail : $0.verdict == .error || $0.verdict == .inconclusive
            }
            let first = open.first.map { "\($0.id): \($0.reason)" } ?? ""
            let more = open.count > 1 ? " (and \(open.count - 1) more)" : ""
            return (outcome == .reject ? "" : "held: ") + first + more
        }
    }

    private func originalSummary(_ rules: [RuleResult], _ outcome: Decision.Outcome) -> String {
        let changes = rules.filter { $0.metric != nil }.map { rule in
            (rule.metric ?? "", "\(Self.four(rule.current ?? 0))->\(Self.four(rule.candidate ?? 0))")
        }
        if outcome == .promote { return changes.first.map { "improved \($0.0) \($0.1)" } ?? "no rule to satisfy" }
        return "not enough improvement (" + changes.map { "\($0.0.prefix(3)) \($0.1)" }.joined(separator: ", ") + ")"
    }

    static func four(_ value: Double) -> String { String(format: "%.4f", value) }

    var warnings: [String] {
        var found: [String] = facts.evidence.problems
        let changed = facts.candidate.changedMetrics
        if !changed.isEmpty {
            found.append(
                "logged again after the version was made, and not counted: \(changed.joined(separator: ", ")); "
                    + "`balanceops models refresh` takes a new snapshot"
            )
        }
        if let digest = facts.candidate.digest, digest == facts.current?.digest {
            found.append("the file is the same as the current version's, byte for byte")
        }
        if let broken = brokenCurrent { found.append(broken) }
        if isFirst, !hasVerdict(results()) {
            found.append(
                "no model serves, and no rule of the policy judges a first version by itself: nothing was judged"
            )
        }
        return found
    }
}

extension RuleResult {
    /// The same result, with the metric that the rule is about.
    func on(_ rule: PolicyRule) -> RuleResult {
        var result = self
        result.metric = rule.metric
        return result
    }
}
