/// Compares a candidate's metric with a bound, the way a policy asks for.
struct PolicyArithmetic {
    let comparison: PromotionPolicy.Comparison
    let direction: PolicyRule.Direction

    /// The gain of the candidate in the direction that is better.
    func gain(_ candidate: Double, _ current: Double) -> Double {
        let (a, b) = direction == .higher ? (candidate, current) : (current, candidate)
        guard comparison == .decimal, let a = ExactDecimal(a), let b = ExactDecimal(b) else { return a - b }
        return (a - b).double
    }

    /// What a change asks of the gain.
    func threshold(_ change: PolicyRule.Change, current: Double) -> Double {
        switch change {
        case .minDelta(let value): return value
        case .maxRegression(let value): return -value
        case .minRelativeDelta(let share):
            guard comparison == .decimal, let share = ExactDecimal(share), let size = ExactDecimal(current.magnitude)
            else { return share * current.magnitude }
            return (share * size).double
        }
    }

    /// Whether a candidate satisfies a change; exactly as much passes, but where the rule is strict.
    func passes(_ change: PolicyRule.Change, strict: Bool, _ candidate: Double, _ current: Double) -> Bool {
        if case .minRelativeDelta(let share) = change, current == 0, share > 0 {
            return direction == .higher ? candidate > 0 : candidate < 0
        }
        guard comparison == .decimal, let exact = exactDifference(change, candidate, current) else {
            return passesAsDoubles(change, strict, candidate, current)
        }
        return strict ? exact > .zero : exact >= .zero
    }

    /// What the gain has beyond what is asked, without rounding.
    private func exactDifference(_ change: PolicyRule.Change, _ candidate: Double, _ current: Double) -> ExactDecimal? {
        guard let new = ExactDecimal(candidate), let old = ExactDecimal(current) else { return nil }
        let gain = direction == .higher ? new - old : old - new
        switch change {
        case .minDelta(let value): return ExactDecimal(value).map { gain - $0 }
        case .maxRegression(let value): return ExactDecimal(value).map { gain + $0 }
        case .minRelativeDelta(let share): return ExactDecimal(share).map { gain - $0 * old.magnitude }
        }
    }

    /// As the original writes it: the candidate against the current value with the change added.
    private func passesAsDoubles(
        _ change: PolicyRule.Change,
        _ strict: Bool,
        _ candidate: Double,
        _ current: Double
    ) -> Bool {
        let step = threshold(change, current: current)
        let bound = direction == .higher ? current + step : current - step
        if strict { return direction == .higher ? candidate > bound : candidate < bound }
        return direction == .higher ? candidate >= bound : candidate <= bound
    }

    /// The value with which a candidate would just pass.
    func bound(_ threshold: Double, _ current: Double) -> Double {
        guard comparison == .decimal, let step = ExactDecimal(threshold), let old = ExactDecimal(current) else {
            return direction == .higher ? current + threshold : current - threshold
        }
        return (direction == .higher ? old + step : old - step).double
    }

    /// How far a value is from the least that passes, never negative.
    func missing(_ value: Double, _ bound: Double) -> Double {
        guard let value = ExactDecimal(value), let bound = ExactDecimal(bound) else { return .infinity }
        return max(.zero, direction == .higher ? bound - value : value - bound).double
    }
}
