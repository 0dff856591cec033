import BalanceCore

/// Rows as the libraries that work in single precision see them.
enum SinglePrecision {
    /// - Throws: `RowRefusal` for a number that is larger than single precision holds, which those libraries refuse too.
    static func row(_ row: [Double], allowsOverflow: Bool = false) throws -> [Double] {
        var rounded = row
        for index in row.indices {
            let single = Float(row[index])
            guard single.isFinite || !row[index].isFinite || allowsOverflow else {
                throw RowRefusal(column: index, reason: "the number is too large for single precision")
            }
            rounded[index] = Double(single)
        }
        return rounded
    }
}

/// Trees that vote: the mean of their leaves (decision trees and forests).
struct TreeMean: RowModel {
    var classes: [String]
    var featureCount: Int
    var trees: Forest
    var cost: Int { trees.count * 20 }
    var acceptsMissing = true

    /// scikit-learn's trees take no NaN in a sparse matrix.
    func onSparse() -> any RowModel {
        var behind = self
        behind.acceptsMissing = false
        return behind
    }

    func outputs(_ row: [Double]) throws -> [Double] {
        // scikit-learn compares in single precision.
        let row = try SinglePrecision.row(row)
        let width = max(classes.count, 1)
        let values = trees.trees.values
        let count = Double(trees.count)
        if width <= 2 {
            // Without a list to add to, which is most of what a small forest would cost.
            var (first, second) = (0.0, 0.0)
            trees.forEachLeaf(row) { _, leaf in
                first += values[leaf]
                second += values[leaf + width - 1]
            }
            return width == 1 ? [first / count] : [first / count, second / count]
        }
        var sums = [Double](repeating: 0, count: width)
        trees.forEachLeaf(row) { _, leaf in
            for index in 0..<width { sums[index] += values[leaf + index] }
        }
        return sums.map { $0 / count }
    }
}

/// Trees whose leaves are added to a raw score for each output (gradient boosting in double precision).
struct BoostedTrees: RowModel {
    /// What becomes of the raw scores.
    enum Link: Sendable {
        case identity, sigmoid, softmax, exponential
        /// The sigmoid of twice the score (scikit-learn's exponential loss).
        case doubleSigmoid
        /// The sigmoid of a multiple of the score (LightGBM's binary objective).
        case scaledSigmoid(Double)
        /// The sign of the score and its square (LightGBM's `reg_sqrt`).
        case signedSquare
        /// A sigmoid for each class, scaled to the sum 1 or not (LightGBM's `multiclassova`).
        case sigmoids(Double)
    }

    var classes: [String]
    var featureCount: Int
    var trees: Forest
    var cost: Int { trees.count * 20 }
    /// The output that each tree adds to.
    var groups: [Int]
    var base: [Double]
    /// What each leaf is multiplied with.
    var rate = 1.0
    var link: Link
    /// Whether numbers are rounded to single precision before they are compared.
    var roundsInput = false
    /// Whether the sum is divided by the number of trees.
    var isMean = false
    var acceptsMissing = true
    var acceptsInfinite = true
    /// How the label is chosen by the raw score, where it is; nil: by the probabilities.
    var choice: Choice?
    /// Numbers that are at most so far from 0 count as 0 before the trees see them (LightGBM).
    var zeroThreshold = 0.0
    var featureNames: [String]?

    /// Which score of two classes is the second one's; of several the largest is chosen.
    enum Choice: Sendable {
        case above, atLeast
    }

    /// LightGBM's `kZeroThreshold`, a constant of single precision.
    static let lightGBMZero = Double(1e-35 as Float)

    func outputs(_ row: [Double]) throws -> [Double] {
        var row = roundsInput ? try SinglePrecision.row(row) : row
        if zeroThreshold > 0 { for index in row.indices where abs(row[index]) <= zeroThreshold { row[index] = 0 } }
        var scores = base
        let values = trees.trees.values
        if base.count == 1 {
            var sum = base[0]
            trees.forEachLeaf(row) { _, leaf in sum += rate * values[leaf] }
            scores = [sum]
        } else {
            trees.forEachLeaf(row) { tree, leaf in scores[groups[tree]] += rate * values[leaf] }
        }
        if isMean, !groups.isEmpty { scores = scores.map { $0 / Double(groups.count / base.count) } }
        let outputs = link(scores)
        guard let choice, !classes.isEmpty else { return outputs }
        if scores.count > 1 { return outputs + [Double(TabularInference.best(scores))] }
        return outputs + [(choice == .above ? scores[0] > 0 : scores[0] >= 0) ? 1 : 0]
    }

    private func link(_ scores: [Double]) -> [Double] {
        switch link {
        case .identity: return scores
        case .exponential: return scores.map { BalanceInference.exponential($0) }
        case .softmax: return Outputs.softmax(scores)
        case .sigmoid: return pair(Outputs.sigmoid(scores[0]))
        case .doubleSigmoid: return pair(Outputs.sigmoid(2 * scores[0]))
        case .scaledSigmoid(let factor): return pair(1 / (1 + BalanceInference.exponential(-factor * scores[0])))
        case .signedSquare: return scores.map { $0 < 0 ? -$0 * $0 : $0 * $0 }
        case .sigmoids(let factor): return scores.map { 1 / (1 + BalanceInference.exponential(-factor * $0)) }
        }
    }

    private func pair(_ probability: Double) -> [Double] {
        classes.isEmpty ? [probability] : [1 - probability, probability]
    }
}

/// Trees that are added in single precision, as XGBoost does.
struct SingleTrees: RowModel {
    enum Link: Sendable {
        case identity, sigmoid, softmax, exponential
    }

    var classes: [String]
    var featureCount: Int
    var trees: Forest
    var cost: Int { trees.count * 20 }
    var groups: [Int]
    /// The weight of each tree; empty: 1 (dart has others).
    var weights: [Float]
    var base: [Float]
    var link: Link
    /// The number that counts as missing beside NaN; compared in single precision.
    var missing = Float.nan
    /// Whether 0 is missing, as what a sparse matrix does not store.
    var zeroIsMissing = false
    var featureNames: [String]?
    var acceptsMissing: Bool { true }
    /// Whether it answers numbers that single precision does not hold: the wrappers for scikit-learn do, a Booster does not.
    var acceptsInfinite = false

    func onSparse() -> any RowModel {
        var behind = self
        behind.zeroIsMissing = true
        return behind
    }

    func outputs(_ row: [Double]) throws -> [Double] {
        let row = try seen(row)
        var scores = base
        let values = trees.trees.values
        trees.forEachLeaf(row) { tree, leaf in
            let value = Float(values[leaf])
            scores[groups[tree]] += weights.isEmpty ? value : weights[tree] * value
        }
        switch link {
        case .identity: return scores.map(Double.init)
        case .exponential: return scores.map { Double(BalanceInference.exponential($0)) }
        case .sigmoid:
            // XGBoost keeps the power below what single precision holds.
            let probability = 1 / (BalanceInference.exponential(min(-scores[0], 88.7)) + 1 + 1e-16 as Float)
            return classes.isEmpty ? [Double(probability)] : [Double(1 - probability), Double(probability)]
        case .softmax:
            let largest = scores.max() ?? 0
            let powers = scores.map { BalanceInference.exponential($0 - largest) }
            let sum = powers.reduce(0, +)
            return powers.map { Double($0 / sum) }
        }
    }
}

extension SingleTrees {
    /// The row as XGBoost sees it.
    ///
    /// Whether a cell of a sparse matrix is stored is told before it is rounded.
    private func seen(_ row: [Double]) throws -> [Double] {
        var seen = row
        for index in row.indices {
            let single = Float(row[index])
            if single.isInfinite, !acceptsInfinite, single != missing {
                throw RowRefusal(column: index, reason: "the number is too large for single precision")
            }
            let isMissing = single == missing || (zeroIsMissing && row[index] == 0)
            seen[index] = isMissing ? .nan : Double(single)
        }
        return seen
    }
}

/// Trees that tell how soon a row is alone (IsolationForest): -1 for an outlier, else 1.
struct IsolationTrees: RowModel {
    var featureCount: Int
    var trees: Forest
    var cost: Int { trees.count * 20 }
    var sampleCount: Int
    var offset: Double
    /// Since scikit-learn 1.6 nothing is checked.
    var acceptsAll = true
    var acceptsMissing: Bool { acceptsAll }
    var acceptsInfinite: Bool { acceptsAll }

    var classes: [String] { ["-1", "1"] }
    var hasProbabilities: Bool { false }

    func outputs(_ row: [Double]) throws -> [Double] {
        let row = try SinglePrecision.row(row, allowsOverflow: acceptsAll)
        var depth = 0.0
        // A leaf's value is the length of the path to it, with what is expected below.
        let values = trees.trees.values
        trees.forEachLeaf(row) { _, leaf in depth += values[leaf] }
        let expected = Double(trees.count) * Self.averagePath(sampleCount)
        let score = -raised(2, expected == 0 ? -1 : -depth / expected)
        return score - offset < 0 ? [1, 0] : [0, 1]
    }

    /// The mean length of a path in a tree of so many rows.
    static func averagePath(_ count: Int) -> Double {
        if count <= 1 { return 0 }
        if count == 2 { return 1 }
        let last = Double(count) - 1
        return 2 * (logarithm(last) + 0.577_215_664_901_532_9) - 2 * last / Double(count)
    }
}
