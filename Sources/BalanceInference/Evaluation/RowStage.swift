/// A step that changes a row before the last step judges it.
protocol RowTransform: Sendable {
    func apply(to row: inout [Double])
}

/// The step that turns a row into the probability of each class.
protocol RowClassifier: Sendable {
    var classes: [String] { get }
    var featureCount: Int { get }
    func probabilities(_ row: [Double]) -> [Double]
}

/// `(x - mean) / scale`, column by column; an empty list leaves that part out.
struct StandardScale: RowTransform {
    var mean: [Double]
    var scale: [Double]

    func apply(to row: inout [Double]) {
        for index in row.indices {
            if index < mean.count { row[index] -= mean[index] }
            if index < scale.count { row[index] /= scale[index] }
        }
    }
}

/// Logistic regression with one weight vector for two classes, or one for each class.
struct LogisticClassifier: RowClassifier {
    var classes: [String]
    /// One row for two classes, else one row a class.
    var weights: [[Double]]
    var intercepts: [Double]
    /// Whether two classes are judged by the softmax of ±decision, as `multi_class="multinomial"` does.
    var isSoftmaxOfTwo = false
    /// Whether several classes are judged one by one and scaled to the sum 1, as `multi_class="ovr"` does.
    var isOneVersusRest = false

    var featureCount: Int { weights.first?.count ?? 0 }

    func probabilities(_ row: [Double]) -> [Double] {
        let decisions = zip(weights, intercepts).map { weights, intercept in
            zip(weights, row).reduce(0) { $0 + $1.0 * $1.1 } + intercept
        }
        if decisions.count == 1 {
            let probability = Self.sigmoid(isSoftmaxOfTwo ? 2 * decisions[0] : decisions[0])
            return [1 - probability, probability]
        }
        if isOneVersusRest {
            let each = decisions.map(Self.sigmoid)
            let sum = each.reduce(0, +)
            return each.map { sum == 0 ? 1 / Double(each.count) : $0 / sum }
        }
        let largest = decisions.max() ?? 0
        let powers = decisions.map { exponential($0 - largest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    static func sigmoid(_ value: Double) -> Double {
        if value >= 0 { return 1 / (1 + exponential(-value)) }
        let power = exponential(value)
        return power / (1 + power)
    }
}

/// The original's test model: a sigmoid whose answer stays away from 0 and 1.
struct DummyClassifier: RowClassifier {
    var weights: [Double]
    var intercept: Double
    var featureCount: Int
    var clip = 1e-6

    var classes: [String] { ["0", "1"] }

    /// Weights without a feature and features without a weight count for nothing.
    func probabilities(_ row: [Double]) -> [Double] {
        let decision = zip(weights, row).reduce(0) { $0 + $1.0 * $1.1 } + intercept
        let probability = min(max(LogisticClassifier.sigmoid(decision), clip), 1 - clip)
        return [1 - probability, probability]
    }
}
