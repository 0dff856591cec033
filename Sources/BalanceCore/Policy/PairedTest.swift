import Foundation

/// What a paired test found.
package struct PairedOutcome: Sendable, Hashable {
    package var rows: Int
    package var candidate: Double
    package var current: Double
    /// The bounds of the gain, each with the rule's chance of error.
    package var lower: Double
    package var upper: Double
    /// The chance of a gain like this between models that are equally good.
    package var chance: Double
    /// How the numbers were found, as `exact`, `bootstrap` or `normal`.
    package var method: String

    var json: JSONValue {
        .object([
            ("rows", .int(rows)), ("candidate", .double(candidate)), ("current", .double(current)),
            ("lower", .double(lower)), ("upper", .double(upper)), ("chance", .double(chance)),
            ("method", .string(method)),
        ])
    }

    init?(_ json: JSONValue) {
        guard let rows = json["rows"]?.integer, let candidate = json["candidate"]?.number,
            let current = json["current"]?.number, let lower = json["lower"]?.number,
            let upper = json["upper"]?.number, let chance = json["chance"]?.number, let method = json["method"]?.string
        else { return nil }
        self.init(
            rows: rows,
            candidate: candidate,
            current: current,
            lower: lower,
            upper: upper,
            chance: chance,
            method: method
        )
    }

    init(
        rows: Int,
        candidate: Double,
        current: Double,
        lower: Double,
        upper: Double,
        chance: Double,
        method: String
    ) {
        self.rows = rows
        self.candidate = candidate
        self.current = current
        self.lower = lower
        self.upper = upper
        self.chance = chance
        self.method = method
    }
}

/// Compares two models on the rows that both judged.
enum PairedTest {
    /// - Parameters:
    ///   - rule: A rule with a test.
    ///   - rows: The rows with what both models said.
    ///   - alpha: The chance of error, after corrections.
    /// - Returns: What was found; nil where the metric is not defined on these rows.
    static func run(_ rule: PolicyRule, _ rows: PairedRows, alpha: Double) -> PairedOutcome? {
        guard let test = rule.test, let gain = rows.gain(of: rule.metric) else { return nil }
        let tallies = rows.counts.map { PairedMetric.tallies($0.map { ($0.row, $0.count) }) }
        guard let candidate = PairedMetric.value(rule.metric, rows.classes, tallies.map(\.candidate), rows.roles),
            let current = PairedMetric.value(rule.metric, rows.classes, tallies.map(\.current), rows.roles)
        else { return nil }
        let bounds = gain.bounds(alpha)
        return PairedOutcome(
            rows: rows.count,
            candidate: candidate,
            current: current,
            lower: bounds.lower,
            upper: bounds.upper,
            chance: gain.chance(margin: test.margin),
            method: "exact"
        )
    }
}

/// The gain in a metric as a test sees it.
enum PairedGain {
    /// Of one class, or of all rows as one.
    case proportion(SwapTest.Stratum)
    /// Of the mean over classes.
    case mean([SwapTest.Stratum])
    case ratio(PairedRatio)

    /// The chance of a gain like this where the true one is at most the margin.
    ///
    /// Of one class the exact test says it. Of several, rows that can be exchanged are more than models that are equally good:
    /// what one class loses another may win. So the chance is at least that at which the lower bound reaches the margin.
    func chance(margin: Double) -> Double {
        switch self {
        case .proportion(let rows):
            let exact = SwapTest.sign(wins: rows.wins, losses: rows.losses)
            return margin > 0 ? max(exact, PairedBounds.chanceAbove(rows, margin)) : exact
        case .mean(let strata): return bounded(SwapTest.sum(strata), margin)
        case .ratio(let ratio): return bounded(ratio.chance, margin)
        }
    }

    private func bounded(_ exact: Double, _ margin: Double) -> Double {
        exact > 0.5 ? exact : max(exact, PairedBounds.chance(margin: margin) { bounds($0).lower })
    }

    /// The bounds of the gain, each with this chance of error.
    func bounds(_ alpha: Double) -> (lower: Double, upper: Double) {
        switch self {
        case .proportion(let rows): (PairedBounds.lower(rows, alpha), PairedBounds.upper(rows, alpha))
        case .mean(let strata): (PairedBounds.lower(meanOf: strata, alpha), PairedBounds.upper(meanOf: strata, alpha))
        case .ratio(let ratio): (ratio.lower(alpha), ratio.upper(alpha))
        }
    }
}

extension PairedRows {
    /// How the gain in a metric is tested; nil for a metric that is not defined on these rows.
    func gain(of metric: String) -> PairedGain? {
        let strata = counts.map(Self.stratum)
        func recall(_ label: String?) -> PairedGain? {
            label.flatMap(classes.firstIndex).map { .proportion(strata[$0]) }
        }
        switch metric {
        case "acc", "accuracy":
            let all = strata.reduce(SwapTest.Stratum(wins: 0, losses: 0, rows: 0)) {
                .init(wins: $0.wins + $1.wins, losses: $0.losses + $1.losses, rows: $0.rows + $1.rows)
            }
            return all.rows > 0 ? .proportion(all) : nil
        case "bal_acc", "balanced_accuracy": return strata.count > 1 ? .mean(strata) : nil
        case "recall_1": return recall(roles.positive)
        case "recall_0": return recall(roles.negative)
        default: return ratio(isF1: metric == "f1")
        }
    }

    private static func stratum(_ kinds: [(row: Row, count: Int)]) -> SwapTest.Stratum {
        var found = SwapTest.Stratum(wins: 0, losses: 0, rows: 0)
        for (row, count) in kinds {
            found.rows += count
            if row.isRight.candidate, !row.isRight.current { found.wins += count }
            if !row.isRight.candidate, row.isRight.current { found.losses += count }
        }
        return found
    }

    private func ratio(isF1: Bool) -> PairedGain? {
        guard let positive = roles.positive.flatMap(classes.firstIndex) else { return nil }
        var ratio = PairedRatio(isF1: isF1)
        for (index, kinds) in counts.enumerated() {
            for (row, count) in kinds {
                var side = index == positive ? ratio.hits : ratio.alarms
                side.rows += count
                switch row.isPositive {
                case (true, true): side.both += count
                case (true, false): side.candidate += count
                case (false, true): side.current += count
                default: break
                }
                if index == positive { ratio.hits = side } else { ratio.alarms = side }
            }
        }
        return .ratio(ratio)
    }
}
