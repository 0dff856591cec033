import Foundation

/// Applies one rule with a test over the predictions of both models.
struct PairedVerdict {
    let decider: PolicyDecider
    let rule: PolicyRule

    private var facts: PromotionCase { decider.facts }

    func results() -> [RuleResult] {
        let evidence = facts.evidence
        guard let candidate = evidence.candidate, let current = evidence.current else {
            let who = evidence.candidate == nil ? "the candidate" : "the current model"
            let file = decider.policy.data.predictions
            let next =
                evidence.candidate == nil ? "log \(file) with the columns row, label, prediction" : decider.reevaluation
            return [inconclusive("\(who) has no predictions row by row (\(file))", next: next)]
        }
        guard candidate.fingerprint == current.fingerprint else {
            return [inconclusive("the two models were judged on other rows", next: decider.reevaluation)]
        }
        if facts.edition > 1, evidence.tests.isEmpty, evidence.slices.isEmpty, let problem = evidence.problems.first {
            return [inconclusive(problem, next: "log the predictions again")]
        }
        let roles = ClassRoles(classes: candidate.classes.keys.sorted(), named: decider.policy.data.positive)
        if facts.edition > 1, ClassRoles.matter(for: rule.metric),
            (rule.metric == "recall_0" ? roles.negative : roles.positive) == nil
        {
            let labels = candidate.classes.keys.sorted().prefix(10).joined(separator: ", ")
            return [
                inconclusive(
                    "\(rule.metric) needs to know which of the labels is positive: \(labels)",
                    next: "name it in the policy, as data: {positive: \(candidate.classes.keys.sorted().last ?? "1")}"
                )
            ]
        }
        if let least = rule.minRows, candidate.count < least, rule.slice == nil {
            return [inconclusive("\(candidate.count) rows, and \(least) are needed", next: "judge both on more rows")]
        }
        if let small = candidate.classes.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }), small.value < 2 {
            return [inconclusive("the class '\(small.key)' has \(small.value) rows", next: "judge both on more rows")]
        }
        if candidate.classes.count < 2 {
            return [inconclusive("the rows are all of one class", next: "judge both on rows of each class")]
        }
        guard rule.slice != nil else {
            guard let outcome = evidence.tests[rule.id] else {
                return [inconclusive("\(rule.metric) is not defined on these rows", next: "judge both on more rows")]
            }
            return [judge(rule.id, outcome, alpha: rule.alpha(attempt: facts.history.attempts + 1))]
        }
        return sliced()
    }

    /// All slices at once, corrected by Holm's steps (1979), because many slices give chance many tries.
    private func sliced() -> [RuleResult] {
        let parts = facts.evidence.slices[rule.id] ?? []
        guard !parts.isEmpty else {
            return [inconclusive("the predictions have no such slice", next: "log them with that column")]
        }
        let alpha = rule.alpha(attempt: facts.history.attempts + 1)
        let chances = parts.compactMap { facts.evidence.tests["\(rule.id)/\($0.value)"]?.chance }.sorted()
        var allowed: Double = 0
        for (index, chance) in chances.enumerated() {
            guard chance <= alpha / Double(chances.count - index) else { break }
            allowed = chance
        }
        return parts.map { part in
            let id = "\(rule.id)/\(part.value)"
            if let skipped = rule.skipped(part) { return skipped }
            if let least = rule.minRows, part.rows < least {
                return inconclusive("\(part.rows) rows, and \(least) are needed", next: "judge both on more rows", id)
            }
            guard let outcome = facts.evidence.tests[id] else {
                return inconclusive("\(rule.metric) is not defined on these rows", next: "judge both on more rows", id)
            }
            return judge(id, outcome, alpha: alpha, passes: rule.change == nil ? outcome.chance <= allowed : nil)
        }
    }

    private func judge(_ id: String, _ outcome: PairedOutcome, alpha: Double, passes: Bool? = nil) -> RuleResult {
        var result = RuleResult(id, .pass, "").on(rule)
        result.candidate = outcome.candidate
        result.current = outcome.current
        result.delta = outcome.candidate - outcome.current
        result.rows = outcome.rows
        result.interval = outcome.lower...max(outcome.lower, outcome.upper)
        result.chance = outcome.chance
        let chance = String(format: "%.3g", outcome.chance)
        if case .maxRegression(let loss) = rule.change {
            result.threshold = -loss
            let isSafe = outcome.lower >= -loss
            let bound = String(format: "%+.4f", outcome.lower)
            let reason = "may be as much as \(bound) on other rows, and \(-loss) is allowed"
            return result.with(
                isSafe ? .pass : .fail,
                reason,
                next: isSafe ? nil : needed(loss, alpha)
            )
        }
        result.threshold = rule.test?.kind == .mcnemar ? alpha : rule.test?.margin
        let isShown =
            passes
            ?? (rule.test?.kind == .mcnemar
                ? outcome.chance <= alpha : isAbove(outcome) && outcome.chance <= alpha)
        let reason = "p = \(chance) for a gain like this or a larger one, and alpha is \(String(format: "%.3g", alpha))"
        return result.with(isShown ? .pass : .fail, reason, next: isShown ? nil : "needs a larger gain, or more rows")
    }

    /// What a guard lacks: on few rows it cannot pass even where no row was lost.
    private func needed(_ loss: Double, _ alpha: Double) -> String {
        guard (0..<1).contains(loss), loss > 0, alpha > 0 else { return "needs a smaller loss, or more rows" }
        let fewest = Int((log(alpha) / log1p(-loss)).rounded(.up))
        let of = rule.metric.hasPrefix("recall") ? "rows of that class" : "rows"
        return "needs a smaller loss, or more rows: at least \(fewest) \(of) where none is lost"
    }

    /// Bounds of a bootstrap and its p-value were two answers; those of an exact test are one.
    private func isAbove(_ outcome: PairedOutcome) -> Bool {
        facts.edition > 1 || outcome.lower > (rule.test?.margin ?? 0)
    }

    private func inconclusive(_ reason: String, next: String, _ id: String? = nil) -> RuleResult {
        RuleResult(id ?? rule.id, .inconclusive, reason, next: next).on(rule)
    }
}
