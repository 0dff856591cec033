import Foundation

/// Bounds of the gain of one model over another on the same rows.
///
/// For a difference of two proportions of the same rows: where the chance of what was seen, estimated at the constrained
/// maximum of the likelihood (Tango 1998, Lloyd 2008), falls to the chance of error. Rows on which nobody differs narrow it:
/// with none that differs the lower bound is -(1 - alpha^(1/n)), not 0. Metrics over several classes combine the bounds of
/// their parts (Zou and Donner 2008).
enum PairedBounds {
    typealias Stratum = SwapTest.Stratum

    /// The expected number of rows that differ above which a normal form stands in for the sum.
    private static let largestSum = 1000.0

    /// The lower bound of the gain on rows of one kind.
    static func lower(_ rows: Stratum, _ alpha: Double) -> Double {
        guard rows.losses < rows.rows else { return -1 }
        var (low, high) = (-1.0, rows.gain)
        for _ in 0..<50 {
            let middle = (low + high) / 2
            if chanceAbove(rows, middle) > alpha { high = middle } else { low = middle }
        }
        return low
    }

    static func upper(_ rows: Stratum, _ alpha: Double) -> Double { -lower(rows.swapped, alpha) }

    /// The lower bound of the mean of the gains of several classes.
    static func lower(meanOf strata: [Stratum], _ alpha: Double) -> Double {
        let count = Double(strata.count)
        let gain = strata.reduce(0) { $0 + $1.gain } / count
        let squares = strata.reduce(0) { sum, rows in
            let distance = rows.gain - lower(rows, alpha)
            return sum + distance * distance
        }
        return max(-1, gain - squares.squareRoot() / count)
    }

    static func upper(meanOf strata: [Stratum], _ alpha: Double) -> Double {
        -lower(meanOf: strata.map(\.swapped), alpha)
    }

    /// The chance of error at which a lower bound reaches a margin; 0.5 stands for all from there on.
    static func chance(margin: Double, _ lower: (Double) -> Double) -> Double {
        func alpha(_ deviations: Double) -> Double { 0.5 * erfc(deviations / 2.0.squareRoot()) }
        if lower(0.5) <= margin + SwapTest.tie { return 0.5 }
        var (low, high) = (0.0, 9.0)
        if lower(alpha(high)) > margin { return alpha(high) }
        for _ in 0..<40 {
            let middle = (low + high) / 2
            if lower(alpha(middle)) > margin { low = middle } else { high = middle }
        }
        return alpha(low)
    }

    // MARK: - One kind of rows

    /// The likeliest chance of a loss where wins are more frequent by `delta`.
    private static func lossChance(_ rows: Stratum, _ delta: Double) -> Double {
        let (wins, losses, count) = (Double(rows.wins), Double(rows.losses), Double(rows.rows))
        let b = -wins - losses + (2 * count - wins + losses) * delta
        let c = -losses * delta * (1 - delta)
        let root = max(0, b * b - 8 * count * c).squareRoot()
        let chance = b <= 0 ? (root - b) / (4 * count) : root + b > 0 ? -2 * c / (root + b) : 0
        return min(max(chance, 0, -delta), (1 - delta) / 2, 1)
    }

    /// The chance of at least the observed difference where wins are more frequent than losses by `delta`.
    static func chanceAbove(_ rows: Stratum, _ delta: Double) -> Double {
        let seen = rows.wins - rows.losses
        let count = Double(rows.rows)
        let loss = lossChance(rows, delta)
        let win = max(0, loss + delta)
        let differs = min(1, win + loss)
        guard differs > 0 else { return seen <= 0 ? 1 : 0 }
        let variance = count * (differs - delta * delta)
        if variance <= 1e-12 { return count * delta >= Double(seen) - 1e-6 ? 1 : 0 }
        let deviations = (Double(seen) - 0.5 - count * delta) / variance.squareRoot()
        let mean = count * differs
        if mean > largestSum || (mean > 50 && abs(deviations) > 9) {
            return 0.5 * erfc(deviations / 2.0.squareRoot())
        }
        return sum(seen, BinomialWindow(trials: rows.rows, chance: differs), share: win / differs)
    }

    /// The sum over the number of rows that differ: how likely it is, times the chance of so many wins among them.
    private static func sum(_ seen: Int, _ window: BinomialWindow, share: Double) -> Double {
        var total = 0.0
        // The chance `tail` of at least `wins` wins among `pairs`, and the weight of the last one counted, go on by one pair.
        var pairs = abs(seen)
        var wins = seen > 0 ? pairs : 0
        var weight = pow(seen > 0 ? share : 1 - share, Double(pairs))
        var tail = seen > 0 ? weight : 1
        if seen <= 0 {
            for place in 0..<max(0, min(window.weights.count, pairs - window.first)) { total += window.weights[place] }
        }
        while pairs < window.first + window.weights.count {
            if pairs >= window.first { total += window.weights[pairs - window.first] * tail }
            let next = Double(pairs + 1)
            if (pairs + seen).isMultiple(of: 2) {
                tail -= (1 - share) * weight
                wins += 1
                weight *= next / Double(wins) * share
            } else {
                tail += weight * Double(wins) / Double(pairs - wins + 1) * (1 - share)
                weight *= next / Double(pairs + 1 - wins) * (1 - share)
            }
            tail = min(1, max(0, tail))
            pairs += 1
        }
        return min(1, total / window.total)
    }
}

/// A binomial distribution around its most likely count, as multiples of that count's weight.
private struct BinomialWindow {
    let first: Int
    let weights: [Double]
    let total: Double

    private static let small = 1e-18

    init(trials: Int, chance: Double) {
        guard chance < 1 else {
            (first, weights, total) = (trials, [1], 1)
            return
        }
        let odds = chance / (1 - chance)
        let mode = min(trials, Int(Double(trials + 1) * chance))
        var up = [1.0], down: [Double] = []
        var next = 1.0
        for count in stride(from: mode, to: trials, by: 1) {
            next *= Double(trials - count) / Double(count + 1) * odds
            if next < Self.small { break }
            up.append(next)
        }
        next = 1
        for count in stride(from: mode, to: 0, by: -1) {
            next *= Double(count) / Double(trials - count + 1) / odds
            if next < Self.small { break }
            down.append(next)
        }
        weights = down.reversed() + up
        first = mode - down.count
        total = weights.reduce(0, +)
    }
}
