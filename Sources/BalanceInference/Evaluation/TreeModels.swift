/// Trees that vote: the mean of their leaves (decision trees and forests).
struct TreeMean: RowModel {
    var classes: [String]
    var featureCount: Int
    var trees: TreeNodes
    var acceptsMissing = true

    func outputs(_ row: [Double]) -> [Double] {
        // scikit-learn compares in single precision.
        let row = row.map { Double(Float($0)) }
        var sums = [Double](repeating: 0, count: max(classes.count, 1))
        for root in trees.roots {
            let leaf = trees.leaf(row, root: Int(root))
            for index in sums.indices { sums[index] += trees.values[leaf + index] }
        }
        let count = Double(trees.roots.count)
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
    var trees: TreeNodes
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

    func outputs(_ row: [Double]) -> [Double] {
        let row = roundsInput ? row.map { Double(Float($0)) } : row
        var scores = base
        for (root, group) in zip(trees.roots, groups) {
            scores[group] += rate * trees.values[trees.leaf(row, root: Int(root))]
        }
        if isMean, !groups.isEmpty { scores = scores.map { $0 / Double(groups.count / base.count) } }
        return Self.link(scores, link)
    }

    private static func link(_ scores: [Double], _ link: Link) -> [Double] {
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

    private static func pair(_ probability: Double) -> [Double] { [1 - probability, probability] }
}

/// Trees that are added in single precision, as XGBoost does.
struct SingleTrees: RowModel {
    enum Link: Sendable {
        case identity, sigmoid, softmax, exponential
    }

    var classes: [String]
    var featureCount: Int
    var trees: TreeNodes
    var groups: [Int]
    /// The weight of each tree; empty: 1 (dart has others).
    var weights: [Float]
    var base: [Float]
    var link: Link
    var acceptsMissing: Bool { true }
    var acceptsInfinite: Bool { true }

    func outputs(_ row: [Double]) -> [Double] {
        let row = row.map { Double(Float($0)) }
        var scores = base
        for (index, root) in trees.roots.enumerated() {
            let leaf = Float(trees.values[trees.leaf(row, root: Int(root))])
            scores[groups[index]] += weights.isEmpty ? leaf : weights[index] * leaf
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

/// Trees that tell how soon a row is alone (IsolationForest): -1 for an outlier, else 1.
struct IsolationTrees: RowModel {
    var featureCount: Int
    var trees: TreeNodes
    /// The columns that each tree looks at.
    var columns: [[Int]]
    var sampleCount: Int
    var offset: Double

    var classes: [String] { ["-1", "1"] }
    var hasProbabilities: Bool { false }

    func outputs(_ row: [Double]) -> [Double] {
        let row = row.map { Double(Float($0)) }
        var depth = 0.0
        for (root, columns) in zip(trees.roots, columns) {
            // A leaf's value is the length of the path to it, with what is expected below.
            depth += trees.values[trees.leaf(columns.map { row[$0] }, root: Int(root))]
        }
        let expected = Double(trees.roots.count) * Self.averagePath(sampleCount)
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
