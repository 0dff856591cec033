/// Exact tails of the binomial distribution.
package enum BinomialTest {
    /// The chance of at least so many successes of so many trials.
    ///
    /// Terms are added as ratios to the largest, so that the relative error stays near that of one multiplication each.
    package static func upperTail(_ successes: Int, of trials: Int, probability: Double = 0.5) -> Double {
        guard successes > 0 else { return 1 }
        guard successes <= trials, probability > 0 else { return 0 }
        guard probability < 1 else { return 1 }
        let odds = probability / (1 - probability)
        let mode = min(trials, Int(Double(trials + 1) * probability))
        var (total, tail) = (1.0, mode >= successes ? 1.0 : 0)
        var term = 1.0
        for k in stride(from: mode + 1, through: trials, by: 1) {
            term *= Double(trials - k + 1) / Double(k) * odds
            if term < 1e-320 { break }
            total += term
            if k >= successes { tail += term }
        }
        term = 1
        for k in stride(from: mode, to: 0, by: -1) {
            term *= Double(k) / Double(trials - k + 1) / odds
            if term < 1e-320 { break }
            total += term
            if k - 1 >= successes { tail += term }
        }
        return min(1, tail / total)
    }

    /// The lower and upper bound for the probability, each with this chance of error (Clopper and Pearson 1934).
    package static func bounds(_ successes: Int, of trials: Int, alpha: Double) -> (lower: Double, upper: Double) {
        guard trials > 0 else { return (0, 1) }
        let lower = successes == 0 ? 0 : root { upperTail(successes, of: trials, probability: $0) - alpha }
        let upper =
            successes == trials
            ? 1
            : 1
                - root {
                    upperTail(trials - successes, of: trials, probability: $0) - alpha
                }
        return (lower, upper)
    }

    /// Where a growing function of a probability crosses zero.
    private static func root(_ function: (Double) -> Double) -> Double {
        var (low, high) = (0.0, 1.0)
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if function(middle) < 0 { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}
