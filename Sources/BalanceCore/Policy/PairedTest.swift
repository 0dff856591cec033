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
    /// The most rows that are drawn again for one decision; above, a closed form stands in.
    static let maximumDraws = 50_000_000
    /// Fewer resamples than this tell nothing.
    private static let fewestResamples = 100

    /// - Parameters:
    ///   - rule: A rule with a test.
    ///   - rows: The rows with what both models said.
    ///   - alpha: The chance of error, after corrections.
    ///   - seed: Determines the draws, so that anybody gets the same answer.
    ///   - draws: How many rows may be drawn again.
    /// - Returns: What was found; nil where the metric is not defined on these rows, or where they are too many for it.
    static func run(
        _ rule: PolicyRule,
        _ rows: PairedRows,
        alpha: Double,
        seed: UInt64,
        draws: Int = maximumDraws
    ) -> PairedOutcome? {
        guard let test = rule.test else { return nil }
        let observed = rows.counts.map { PairedMetric.tallies($0.map { ($0.row, $0.count) }) }
        guard let candidate = PairedMetric.value(rule.metric, rows.classes, observed.map(\.candidate)),
            let current = PairedMetric.value(rule.metric, rows.classes, observed.map(\.current))
        else { return nil }
        var outcome = PairedOutcome(
            rows: rows.count,
            candidate: candidate,
            current: current,
            lower: 0,
            upper: 0,
            chance: 1,
            method: "exact"
        )
        if test.kind == .mcnemar {
            mcNemar(rows, alpha, &outcome)
        } else if rows.count > draws / test.resamples, let spread = spread(rule.metric, rows) {
            normal(spread, alpha, test.margin, &outcome)
        } else {
            let resamples = min(test.resamples, draws / max(1, rows.count))
            // A bound that lies beyond the last draw is none.
            let isTooFine = rule.change != nil && alpha * Double(resamples) < 1
            guard resamples >= fewestResamples, !isTooFine else { return nil }
            bootstrap(rule.metric, rows, alpha, test.margin, resamples, seed, &outcome)
        }
        return outcome
    }

    /// The exact test of McNemar (1947): of the rows on which one model alone is right, half are the candidate's by chance.
    private static func mcNemar(_ rows: PairedRows, _ alpha: Double, _ outcome: inout PairedOutcome) {
        let (won, lost) = rows.discordant
        let pairs = won + lost
        outcome.chance = BinomialTest.upperTail(won, of: pairs)
        guard pairs > 0 else { return }
        let bounds = BinomialTest.bounds(won, of: pairs, alpha: alpha)
        let share = Double(pairs) / Double(rows.count)
        outcome.lower = (2 * bounds.lower - 1) * share
        outcome.upper = (2 * bounds.upper - 1) * share
    }

    /// Draws rows again, class by class, and takes the bounds from the gains that come out (Efron 1979).
    private static func bootstrap(
        _ metric: String,
        _ rows: PairedRows,
        _ alpha: Double,
        _ margin: Double,
        _ resamples: Int,
        _ seed: UInt64,
        _ outcome: inout PairedOutcome
    ) {
        var random = SplitMix(state: seed)
        var gains: [Double] = []
        gains.reserveCapacity(resamples)
        for _ in 0..<resamples {
            var candidate: [PairedMetric.Tally] = []
            var current: [PairedMetric.Tally] = []
            for kinds in rows.counts {
                let tallies = PairedMetric.tallies(draw(kinds, &random))
                candidate.append(tallies.candidate)
                current.append(tallies.current)
            }
            guard let a = PairedMetric.value(metric, rows.classes, candidate),
                let b = PairedMetric.value(metric, rows.classes, current)
            else { continue }
            gains.append(a - b)
        }
        gains.sort()
        guard !gains.isEmpty else { return }
        let place = min(gains.count - 1, Int(alpha * Double(gains.count)))
        outcome.lower = gains[place]
        outcome.upper = gains[gains.count - 1 - place]
        let below = gains.prefix { $0 <= margin }.count
        outcome.chance = Double(below + 1) / Double(gains.count + 1)
        outcome.method = "bootstrap"
    }

    /// As many rows of one class as it has, each drawn from all of them.
    private static func draw(
        _ kinds: [(row: PairedRows.Row, count: Int)],
        _ random: inout SplitMix
    ) -> [(PairedRows.Row, Int)] {
        if kinds.count == 1 { return kinds.map { ($0.row, $0.count) } }
        let total = UInt64(kinds.reduce(0) { $0 + $1.count })
        var bounds: [UInt64] = []
        for kind in kinds { bounds.append((bounds.last ?? 0) + UInt64(kind.count)) }
        var drawn = [Int](repeating: 0, count: kinds.count)
        for _ in 0..<total {
            let place = random.next().multipliedFullWidth(by: total).high
            var kind = 0
            while place >= bounds[kind] { kind += 1 }
            drawn[kind] += 1
        }
        return zip(kinds, drawn).map { ($0.row, $1) }
    }

    /// The standard error of the gain, from the differences within each class; nil for a metric that has no such form.
    private static func spread(_ metric: String, _ rows: PairedRows) -> Double? {
        let total = Double(rows.count)
        var variance = 0.0
        for (index, kinds) in rows.counts.enumerated() {
            let count = Double(kinds.reduce(0) { $0 + $1.count })
            let weight: Double
            switch metric {
            case "acc", "accuracy": weight = count / total
            case "bal_acc", "balanced_accuracy": weight = 1 / Double(rows.classes.count)
            case "recall_1": weight = PairedRows.positive.contains(rows.classes[index]) ? 1 : 0
            case "recall_0": weight = PairedRows.positive.contains(rows.classes[index]) ? 0 : 1
            default: return nil
            }
            let won = Double(
                kinds.reduce(0) { $0 + ($1.row.isRight.candidate && !$1.row.isRight.current ? $1.count : 0) }
            )
            let lost = Double(
                kinds.reduce(0) { $0 + (!$1.row.isRight.candidate && $1.row.isRight.current ? $1.count : 0) }
            )
            let mean = (won - lost) / count
            variance += weight * weight * ((won + lost) / count - mean * mean) / count
        }
        return variance.squareRoot()
    }

    private static func normal(
        _ spread: Double,
        _ alpha: Double,
        _ margin: Double,
        _ outcome: inout PairedOutcome
    ) {
        let gain = outcome.candidate - outcome.current
        let quantile = normalQuantile(1 - alpha)
        outcome.lower = gain - quantile * spread
        outcome.upper = gain + quantile * spread
        outcome.chance = spread == 0 ? (gain > margin ? 0 : 1) : 0.5 * erfc((gain - margin) / spread / 2.0.squareRoot())
        outcome.method = "normal"
    }

    private static func normalQuantile(_ probability: Double) -> Double {
        var (low, high) = (-10.0, 10.0)
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if 0.5 * erfc(-middle / 2.0.squareRoot()) < probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}

/// Random numbers that are the same everywhere for the same seed (Steele, Lea and Flood 2014).
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
