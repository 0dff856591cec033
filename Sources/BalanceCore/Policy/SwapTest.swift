import Foundation

/// Exact tests of two models on the same rows: if both are equally good, each row on which they differ is the candidate's
/// with chance 1/2 (Fisher's permutation test; for one class the sign test of McNemar 1947).
///
/// Every sum runs over binomial distributions, nothing is drawn: the same rows give the same answer.
enum SwapTest {
    /// Two values that differ by less than this are the same.
    static let tie = 1e-12

    /// Rows of one class: how many only the candidate has right, how many only the current model, and how many there are.
    struct Stratum: Hashable {
        var wins: Int
        var losses: Int
        var rows: Int

        var gain: Double { Double(wins - losses) / Double(rows) }
        var swapped: Stratum { Stratum(wins: losses, losses: wins, rows: rows) }
    }

    /// The chance of at least so many wins among the rows on which the models differ.
    static func sign(wins: Int, losses: Int) -> Double {
        guard wins > 0 else { return 1 }
        let half = HalfBinomial(trials: wins + losses)
        return min(1, half.tail(wins - half.first))
    }

    /// The chance of at least the observed sum of the classes' gains.
    static func sum(_ strata: [Stratum]) -> Double {
        let observed = strata.reduce(0) { $0 + $1.gain }
        // Classes of the same size are one binomial.
        let sizes = Dictionary(grouping: strata, by: \.rows).mapValues { $0.reduce(0) { $0 + $1.wins + $1.losses } }
        var parts = sizes.filter { $0.value > 0 }.map { (trials: $0.value, rows: Double($0.key)) }
            .sorted { ($0.trials, $0.rows) < ($1.trials, $1.rows) }
        // The widest closes the sum by its tail.
        guard let last = parts.popLast() else { return 1 }
        var sums = GainSums()
        for part in parts { sums.add(HalfBinomial(trials: part.trials), trials: part.trials, rows: part.rows) }
        let half = HalfBinomial(trials: last.trials)
        var need = half.weights.count
        var chance = 0.0
        for atom in sums.atoms {
            while need > 0,
                atom.value + Double(2 * (half.first + need - 1) - last.trials) / last.rows >= observed - sums.slack
            {
                need -= 1
            }
            chance += atom.weight * half.tail(need)
        }
        return min(1, chance)
    }

    /// The chance of at least the observed value of a statistic of two counts, each half of its trials by chance; it must not
    /// fall where a count grows.
    static func two(_ first: Int, _ second: Int, observed: Double, _ statistic: (Int, Int) -> Double) -> Double {
        let (outer, inner) = (HalfBinomial(trials: first), HalfBinomial(trials: second))
        var need = inner.weights.count
        var chance = 0.0
        for (index, weight) in outer.weights.enumerated() {
            while need > 0, statistic(outer.first + index, inner.first + need - 1) >= observed - tie { need -= 1 }
            chance += weight * inner.tail(need)
        }
        return min(1, chance)
    }
}

/// A binomial distribution with chance 1/2, without what is below 1e-30 of its highest weight.
struct HalfBinomial {
    /// The count that the first weight is of.
    let first: Int
    let weights: [Double]
    private let tails: [Double]

    init(trials: Int) {
        let mode = trials / 2
        var up = [1.0], down: [Double] = []
        for count in stride(from: mode, to: trials, by: 1) {
            let next = up[up.count - 1] * Double(trials - count) / Double(count + 1)
            if next < 1e-30 { break }
            up.append(next)
        }
        var next = 1.0
        for count in stride(from: mode, to: 0, by: -1) {
            next *= Double(count) / Double(trials - count + 1)
            if next < 1e-30 { break }
            down.append(next)
        }
        let all = down.reversed() + up
        let total = all.sorted().reduce(0, +)
        first = mode - down.count
        weights = all.map { $0 / total }
        var tails = [Double](repeating: 0, count: weights.count + 1)
        for index in weights.indices.reversed() { tails[index] = tails[index + 1] + weights[index] }
        self.tails = tails
    }

    /// The chance of at least the count at a place among the weights.
    func tail(_ place: Int) -> Double { place <= 0 ? tails[0] : place >= tails.count ? 0 : tails[place] }
}

/// The distribution of a sum of gains of classes of several sizes.
private struct GainSums {
    /// By value.
    var atoms: [(value: Double, weight: Double)] = [(0, 1)]
    /// By how much a value may be off; the chance only grows by it.
    var slack = SwapTest.tie

    private static let pairs = 1 << 16
    private static let cells = 4096
    private static let small = 1e-18

    mutating func add(_ half: HalfBinomial, trials: Int, rows: Double) {
        let gains = half.weights.enumerated().filter { $0.element > Self.small }.map { index, weight in
            (value: Double(2 * (half.first + index) - trials) / rows, weight: weight)
        }
        atoms.count * gains.count <= Self.pairs ? addExactly(gains) : addOnGrid(gains)
    }

    private mutating func addExactly(_ gains: [(value: Double, weight: Double)]) {
        let all = atoms.flatMap { atom in gains.map { (value: atom.value + $0.value, weight: atom.weight * $0.weight) }
        }
        .filter { $0.weight > Self.small }.sorted { $0.value < $1.value }
        atoms = []
        for next in all {
            if let last = atoms.last, next.value - last.value <= SwapTest.tie {
                atoms[atoms.count - 1].weight += next.weight
            } else {
                atoms.append(next)
            }
        }
    }

    /// Each weight is shared by its two neighbours on the grid.
    private mutating func addOnGrid(_ gains: [(value: Double, weight: Double)]) {
        guard let first = gains.first, let last = gains.last, let low = atoms.first, let high = atoms.last else {
            return
        }
        let start = low.value + first.value
        let step = (high.value + last.value - start) / Double(Self.cells)
        guard step > 0 else { return addExactly(gains) }
        var grid = [Double](repeating: 0, count: Self.cells + 2)
        for atom in atoms {
            for gain in gains {
                let place = (atom.value + gain.value - start) / step
                let cell = min(Self.cells, max(0, Int(place)))
                let rest = place - Double(cell)
                grid[cell] += atom.weight * gain.weight * (1 - rest)
                grid[cell + 1] += atom.weight * gain.weight * rest
            }
        }
        atoms = grid.enumerated().filter { $0.element > Self.small }.map {
            (start + Double($0.offset) * step, $0.element)
        }
        slack = step + SwapTest.tie
    }
}
