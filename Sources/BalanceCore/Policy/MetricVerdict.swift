import Foundation

/// Applies one rule over a metric, for all rows or slice by slice.
struct MetricVerdict {
    let decider: PolicyDecider
    let rule: PolicyRule

    private var policy: PromotionPolicy { decider.policy }
    private var facts: PromotionCase { decider.facts }
    private var arithmetic: PolicyArithmetic {
        PolicyArithmetic(comparison: policy.compare, direction: rule.direction)
    }

    /// A value of a metric, or why there is none.
    private enum Value {
        case found(Double)
        case missing
        case ambiguous([String])
        /// Measured on other data than the candidate's.
        case elsewhere(String)
    }

    func results() -> [RuleResult] {
        if let slice = rule.slice { return sliced(slice) }
        let rows = facts.evidence.candidate?.count ?? facts.candidate.datasetRows
        return [judge(rule.id, candidateValue(), currentValue(), rows: rows)]
    }

    // MARK: - Values

    private func candidateValue() -> Value { value(in: facts.candidate) }

    /// The metric as it was measured on a named data set, where there is one such.
    private func measured(_ version: VersionFacts) -> [VersionFacts.DatasetMetric] {
        version.datasetMetrics.filter { $0.key == rule.metric && (rule.dataset == nil || $0.dataset == rule.dataset) }
    }

    /// The current model's value on the candidate's data.
    private func currentValue() -> Value {
        guard let current = facts.current else { return .missing }
        if policy.onMissingMetric == .legacyZero { return value(in: current) }
        let own = measured(facts.candidate).last?.digest
        if let wanted = own ?? facts.candidate.dataset?.digest {
            let theirs = measured(current)
            if let again = theirs.last(where: { $0.digest == wanted }) { return .found(again.value) }
            if own != nil, let other = theirs.last?.digest {
                return .elsewhere(
                    "the current model's \(rule.metric) was measured on other data (\(other.prefix(12)), the candidate's "
                        + "on \(wanted.prefix(12)))"
                )
            }
        }
        if rule.dataset == nil, let difference = decider.dataDifference { return .elsewhere(difference) }
        return value(in: current)
    }

    private func value(in version: VersionFacts) -> Value {
        let measured = measured(version)
        if rule.dataset != nil { return measured.last.map { .found($0.value) } ?? .missing }
        let names = Set(measured.map(\.dataset)).sorted()
        if names.count > 1, policy.onMissingMetric != .legacyZero { return .ambiguous(names) }
        if let value = version.metrics.value(of: rule.metric) { return .found(value) }
        return measured.last.map { .found($0.value) } ?? .missing
    }

    // MARK: - Slices

    private func sliced(_ slice: PolicyRule.Slice) -> [RuleResult] {
        var values: [PolicyEvidence.SliceValue] = facts.evidence.slices[rule.id] ?? []
        let isLogged = values.isEmpty
        if isLogged { values = logged(slice) }
        if isLogged, rule.isRelative, !values.isEmpty, let difference = decider.dataDifference {
            return [RuleResult(rule.id, .inconclusive, difference, next: decider.reevaluation).on(rule)]
        }
        guard !values.isEmpty else {
            let reason = "no \(rule.metric) is known for \(slice.text)"
            let next =
                "log predictions with a column '\(slice.column)', or metrics \(rule.metric)/\(slice.column):VALUE"
            return [
                RuleResult(rule.id, policy.onMissingMetric == .inconclusive ? .inconclusive : .fail, reason, next: next)
                    .on(rule)
            ]
        }
        return values.map { part in
            let id = "\(rule.id)/\(part.value)"
            if let skipped = rule.skipped(part) { return skipped }
            if let least = rule.minRows, part.rows < least {
                return RuleResult(
                    id,
                    .inconclusive,
                    "\(part.rows) rows, and \(least) are needed",
                    next: "judge it on more rows"
                ).on(rule)
            }
            if part.candidate == nil, facts.evidence.slices[rule.id] != nil {
                let reason = "\(rule.metric) is not defined on the \(part.rows) rows of this slice"
                return RuleResult(id, .inconclusive, reason, next: "judge it on more rows").on(rule)
            }
            return judge(
                id,
                part.candidate.map(Value.found) ?? .missing,
                part.current.map(Value.found) ?? .missing,
                rows: part.rows
            )
        }
    }

    /// Slices that were logged as metrics of their own: `recall_1/region:north`, with their rows in `rows/region:north`.
    private func logged(_ slice: PolicyRule.Slice) -> [PolicyEvidence.SliceValue] {
        let prefix = "\(rule.metric)/\(slice.column):"
        let all = facts.candidate.metrics + (facts.current?.metrics ?? [])
        let found = Set(all.map(\.key).filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) })
        return (slice.value.map { [$0] } ?? found.sorted()).filter(found.contains).map { value in
            let rows = facts.candidate.metrics.value(of: "rows/\(slice.column):\(value)")
            return .init(
                value: value,
                candidate: facts.candidate.metrics.value(of: prefix + value),
                current: facts.current?.metrics.value(of: prefix + value),
                rows: rows.flatMap { Int(exactly: $0.rounded()) } ?? 0
            )
        }
    }

    // MARK: - Verdicts

    private func judge(_ id: String, _ candidate: Value, _ current: Value, rows: Int?) -> RuleResult {
        var result = RuleResult(id, .pass, "").on(rule)
        result.rows = rows
        guard let value = number(candidate, &result, who: "the candidate") else { return result }
        result.candidate = value
        if let least = rule.minRows, rule.slice == nil, (rows ?? 0) < least {
            let known = rows.map { "\($0) rows" } ?? "an unknown number of rows"
            return result.with(
                .inconclusive,
                "judged on \(known), and \(least) are needed",
                next: "judge it on more rows"
            )
        }
        if policy.onMissingMetric != .legacyZero, !value.isFinite {
            return result.with(.fail, "the candidate's \(rule.metric) is \(value)", next: "log a finite \(rule.metric)")
        }
        if let range = rule.range, !range.contains(value) {
            return result.with(
                .error,
                "the candidate's \(rule.metric) is \(value), outside \(range.lowerBound) to \(range.upperBound): "
                    + "is it a percentage, or a fraction?",
                next: "log \(rule.metric) within \(range.lowerBound) to \(range.upperBound)"
            )
        }
        if let contradiction = contradiction(value, result) { return contradiction }
        if let failure = absolute(value, result) { return failure }
        guard let change = rule.change else {
            result.threshold = rule.minimum ?? rule.maximum
            result.bound = result.threshold
            return result.with(.pass, "\(text(value)) is within the bounds")
        }
        guard let before = number(current, &result, who: "the current model") else { return result }
        return compare(change, value, before, result)
    }

    private func number(_ value: Value, _ result: inout RuleResult, who: String) -> Double? {
        let isCandidate = who == "the candidate"
        switch value {
        case .found(let number): return number
        case .missing where policy.onMissingMetric == .legacyZero: return 0
        case .missing:
            let verdict: RuleResult.Verdict = isCandidate && policy.onMissingMetric == .fail ? .fail : .inconclusive
            let next = isCandidate ? "log \(rule.metric), and register the version again" : decider.reevaluation
            result = result.with(verdict, "\(who) has no \(rule.metric)", next: next)
        case .ambiguous(let names):
            result = result.with(
                .error,
                "\(who) has \(rule.metric) for several data sets: \(names.joined(separator: ", "))",
                next: "name one in the rule, as dataset: \(names.first ?? "")"
            )
        case .elsewhere(let difference):
            result = result.with(.inconclusive, difference, next: decider.reevaluation)
        }
        return nil
    }

    /// The verdict where the rows that were logged say another value than the metric that was logged.
    private func contradiction(_ value: Double, _ result: RuleResult) -> RuleResult? {
        guard rule.slice == nil, rule.dataset == nil, policy.onMissingMetric != .legacyZero,
            let counted = facts.evidence.metrics[rule.metric], abs(counted - value) > Self.tolerance
        else { return nil }
        return result.with(
            .error,
            "the candidate's \(rule.metric) was logged as \(text(value)), and \(policy.data.predictions) gives "
                + "\(String(format: "%.4f", counted))",
            next: "log both for the same rows, and refresh the snapshot"
        )
    }

    /// What a metric that was logged with rounded digits may differ by.
    private static let tolerance = 0.001

    private func absolute(_ value: Double, _ result: RuleResult) -> RuleResult? {
        var result = result
        let below = rule.minimum.map { !(value >= $0) } ?? false
        let above = rule.maximum.map { !(value <= $0) } ?? false
        guard below || above, let bound = below ? rule.minimum : rule.maximum else { return nil }
        result.threshold = bound
        result.bound = bound
        let side = PolicyArithmetic(comparison: policy.compare, direction: below ? .higher : .lower)
        let missing = side.missing(value, bound)
        result.shortfall = missing
        return result.with(
            .fail,
            "\(text(value)) is \(below ? "below the least" : "above the most"), \(text(bound))",
            next: "needs \(below ? "+" : "-")\(text(missing)) \(rule.metric)"
        )
    }

    private func compare(
        _ change: PolicyRule.Change,
        _ value: Double,
        _ before: Double,
        _ result: RuleResult
    ) -> RuleResult {
        var result = result
        result.current = before
        if facts.edition > 1, let range = rule.range, before.isFinite, !range.contains(before) {
            return result.with(
                .error,
                "the current model's \(rule.metric) is \(before), outside \(range.lowerBound) to \(range.upperBound): "
                    + "is it a percentage, or a fraction?",
                next: decider.reevaluation
            )
        }
        if !before.isFinite, policy.onMissingMetric != .legacyZero {
            return result.with(
                .inconclusive,
                "the current model's \(rule.metric) is \(before): it is broken, and nothing can be compared with it",
                next: decider.reevaluation
            )
        }
        let threshold = arithmetic.threshold(change, current: before)
        result.delta = arithmetic.gain(value, before)
        result.threshold = threshold
        result.bound = arithmetic.bound(threshold, before)
        let passes = arithmetic.passes(change, strict: rule.isStrict, value, before)
        let zero = if case .minRelativeDelta(let share) = change { before == 0 && share > 0 } else { false }
        let asked = zero ? "better, relative to zero" : "\(threshold < 0 ? "" : "+")\(text(threshold))"
        let gain = "\((result.delta ?? 0) < 0 ? "" : "+")\(text(result.delta ?? .nan))"
        if passes { return result.with(.pass, "\(text(before)) -> \(text(value)): \(gain), and \(asked) is asked for") }
        let missing = arithmetic.missing(value, result.bound ?? .nan)
        result.shortfall = missing
        let sign = rule.direction == .higher ? "+" : "-"
        let more = missing > 0 ? "\(sign)\(text(missing)) \(rule.metric)" : "a \(rule.metric) beyond the tie"
        return result.with(
            .fail,
            "\(text(before)) -> \(text(value)): \(gain), and \(asked) is asked for",
            next: "needs \(more)"
        )
    }

    private func text(_ value: Double) -> String { value.isFinite ? value.description : "\(value)" }
}

extension RuleResult {
    func with(_ verdict: Verdict, _ reason: String, next: String? = nil) -> RuleResult {
        var result = self
        result.verdict = verdict
        result.reason = reason
        result.next = next
        return result
    }
}
