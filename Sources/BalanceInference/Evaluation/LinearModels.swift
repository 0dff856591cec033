import BalanceCore

/// A linear classifier with probabilities: one weight vector for two classes, or one for each class.
///
/// The label is chosen by the decisions, not by the probabilities, which round to the same number far from the boundary
/// (scikit-learn's `LinearClassifierMixin`).
struct LogisticClassifier: RowModel {
    /// How decisions become probabilities.
    enum Link: Sendable {
        /// Two classes by a sigmoid, several by their softmax.
        case softmax
        /// Two classes by the softmax of ±decision, as `multi_class="multinomial"` does.
        case softmaxOfTwo
        /// Several classes one by one, scaled to the sum 1, as `multi_class="ovr"` does.
        case oneVersusRest
        /// The decision drawn in to -1…1, as `loss="modified_huber"` does.
        case clipped
    }

    var classes: [String]
    /// One row for two classes, else one row a class.
    var weights: [[Double]]
    var intercepts: [Double]
    var link = Link.softmax
    /// Whether classes that all have the probability 0 share it; older versions divide 0 by 0.
    var sharesNothing = true

    var featureCount: Int { weights.first?.count ?? 0 }

    func outputs(_ row: [Double]) -> [Double] {
        let decisions = LinearModel.decisions(row, weights, intercepts)
        if decisions.count == 1 {
            let decision = decisions[0]
            let choice = decision > 0 ? 1.0 : 0
            if link == .clipped {
                let probability = (min(max(decision, -1), 1) + 1) / 2
                return [1 - probability, probability, choice]
            }
            let probability = Outputs.sigmoid(link == .softmaxOfTwo ? 2 * decision : decision)
            return [1 - probability, probability, choice]
        }
        return probabilities(decisions) + [Double(TabularInference.best(decisions))]
    }

    private func probabilities(_ decisions: [Double]) -> [Double] {
        let each: [Double]
        switch link {
        case .softmax, .softmaxOfTwo: return Outputs.softmax(decisions)
        case .oneVersusRest: each = decisions.map(Outputs.sigmoid)
        case .clipped: each = decisions.map { (min(max($0, -1), 1) + 1) / 2 }
        }
        let sum = each.reduce(0, +)
        return each.map { sum == 0 && (link == .clipped || sharesNothing) ? 1 / Double(each.count) : $0 / sum }
    }
}

/// A linear model that answers with its decision: a value, or the label that it chooses.
struct LinearModel: RowModel {
    var classes: [String]
    var weights: [[Double]]
    var intercepts: [Double]

    var featureCount: Int { weights.first?.count ?? 0 }
    var hasProbabilities: Bool { false }

    func outputs(_ row: [Double]) -> [Double] {
        let decisions = Self.decisions(row, weights, intercepts)
        if classes.isEmpty { return decisions }
        return decisions.count == 1 ? (decisions[0] > 0 ? [0, 1] : [1, 0]) : Outputs.choice(decisions)
    }

    static func decisions(_ row: [Double], _ weights: [[Double]], _ intercepts: [Double]) -> [Double] {
        zip(weights, intercepts).map { weights, intercept in
            zip(weights, row).reduce(0) { $0 + $1.0 * $1.1 } + intercept
        }
    }
}

/// The original's test model: a sigmoid whose answer stays away from 0 and 1.
struct DummyClassifier: RowModel {
    var weights: [Double]
    var intercept: Double
    var featureCount: Int
    var clip = 1e-6

    var classes: [String] { ["0", "1"] }

    /// Weights without a feature and features without a weight count for nothing.
    func outputs(_ row: [Double]) -> [Double] {
        let decision = zip(weights, row).reduce(0) { $0 + $1.0 * $1.1 } + intercept
        let probability = min(max(Outputs.sigmoid(decision), clip), 1 - clip)
        return [1 - probability, probability]
    }
}

/// Layers of neurons (MLPClassifier, MLPRegressor).
struct NeuralNetwork: RowModel {
    enum Activation: String {
        case identity, logistic, tanh, relu, softmax, exp
    }

    var classes: [String]
    /// For each layer its weights, one row an output, and its biases.
    var layers: [(weights: [[Double]], biases: [Double])]
    var hidden: Activation
    var last: Activation

    var featureCount: Int { layers.first?.weights.first?.count ?? 0 }
    var cost: Int { layers.reduce(50) { $0 + $1.biases.count * (($1.weights.first?.count ?? 0) + 20) } }

    func outputs(_ row: [Double]) -> [Double] {
        var values = row
        for (index, layer) in layers.enumerated() {
            values = LinearModel.decisions(values, layer.weights, layer.biases)
            values = Self.activate(values, index == layers.count - 1 ? last : hidden)
        }
        return classes.count == 2 && values.count == 1 ? [1 - values[0], values[0]] : values
    }

    private static func activate(_ values: [Double], _ activation: Activation) -> [Double] {
        switch activation {
        case .identity: values
        case .logistic: values.map(Outputs.sigmoid)
        case .tanh: values.map(hyperbolicTangent)
        case .relu: values.map { max($0, 0) }
        case .softmax: Outputs.softmax(values)
        case .exp: values.map { exponential($0) }
        }
    }
}

/// Normal distributions of each feature in each class (GaussianNB).
///
/// Sums are taken in numpy's order: with a constant column the logarithms are so large that another order differs visibly.
struct GaussianBayes: RowModel {
    var classes: [String]
    var means: [[Double]]
    var variances: [[Double]]
    /// The logarithm of each prior.
    private let priors: [Double]
    /// Of each class -1/2 of the sum of the logarithms of 2 π variance.
    private let constants: [Double]

    init(classes: [String], means: [[Double]], variances: [[Double]], priors: [Double]) {
        self.classes = classes
        self.means = means
        self.variances = variances
        self.priors = priors.map { logarithm($0) }
        constants = variances.map { row in -0.5 * Self.sum(row.map { logarithm(2 * .pi * $0) }[...]) }
    }

    var featureCount: Int { means.first?.count ?? 0 }

    func outputs(_ row: [Double]) -> [Double] {
        let logs = classes.indices.map { index in
            let squares = row.indices.map { feature in
                let distance = row[feature] - means[index][feature]
                return distance * distance / variances[index][feature]
            }
            return priors[index] + (constants[index] - 0.5 * Self.sum(squares[...]))
        }
        let largest = logs.max() ?? 0
        let total = logarithm(logs.reduce(0) { $0 + exponential($1 - largest) }) + largest
        return logs.map { exponential($0 - total) } + [Double(TabularInference.best(logs))]
    }

    /// numpy's pairwise sum.
    private static func sum(_ values: ArraySlice<Double>) -> Double {
        let count = values.count
        let start = values.startIndex
        if count < 8 { return values.reduce(0, +) }
        guard count <= 128 else {
            let half = count / 2 - count / 2 % 8
            return sum(values.prefix(half)) + sum(values.dropFirst(half))
        }
        var parts = Array(values.prefix(8))
        let whole = count - count % 8
        for place in stride(from: 8, to: whole, by: 8) {
            for index in 0..<8 { parts[index] += values[start + place + index] }
        }
        let eight = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]))
        return values.dropFirst(whole).reduce(eight, +)
    }
}

/// The nearest of all training rows (KNeighborsClassifier, KNeighborsRegressor).
struct Neighbors: RowModel {
    var classes: [String]
    var rows: [[Double]]
    /// The class of each row as its index, or its value.
    var targets: [Double]
    var count: Int
    /// Whether near neighbours count more.
    var isWeighted: Bool
    /// The exponent of the distance; infinite: the largest difference.
    var power: Double
    /// What each column's difference counts; empty: 1.
    var factors: [Double] = []

    var featureCount: Int { rows.first?.count ?? 0 }
    /// It looks at all rows of the training data, and sorts them.
    var cost: Int { rows.count * (featureCount + 20) }

    func outputs(_ row: [Double]) -> [Double] {
        let nearest = rows.indices.map { (distance: distance(row, rows[$0]), index: $0) }
            .sorted { ($0.distance, $0.index) < ($1.distance, $1.index) }.prefix(count)
        let hasExact = nearest.contains { $0.distance == 0 }
        let weights = nearest.map { neighbour -> Double in
            guard isWeighted else { return 1 }
            return hasExact ? (neighbour.distance == 0 ? 1 : 0) : 1 / neighbour.distance
        }
        let sum = weights.reduce(0, +)
        if classes.isEmpty {
            return [zip(nearest, weights).reduce(0) { $0 + targets[$1.0.index] * $1.1 } / sum]
        }
        var votes = [Double](repeating: 0, count: classes.count)
        for (neighbour, weight) in zip(nearest, weights) { votes[Int(targets[neighbour.index])] += weight }
        return votes.map { $0 / sum }
    }

    private func distance(_ left: [Double], _ right: [Double]) -> Double {
        guard factors.isEmpty else {
            let sum = left.indices.reduce(0) { $0 + factors[$1] * raised(abs(left[$1] - right[$1]), power) }
            return raised(sum, 1 / power)
        }
        if power == 2 { return zip(left, right).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot() }
        if power == .infinity { return zip(left, right).reduce(0) { max($0, abs($1.0 - $1.1)) } }
        let sum = zip(left, right).reduce(0) { $0 + raised(abs($1.0 - $1.1), power) }
        return raised(sum, 1 / power)
    }
}

/// The mean of folds, each a model whose decisions are mapped to probabilities (CalibratedClassifierCV).
struct Calibrated: RowModel {
    /// How a decision becomes a probability.
    enum Map: Sendable {
        case sigmoid(slope: Double, offset: Double)
        /// Straight lines between points whose decisions rise.
        case isotonic(decisions: [Double], probabilities: [Double])

        func callAsFunction(_ decision: Double) -> Double {
            switch self {
            case .sigmoid(let slope, let offset): return Outputs.sigmoid(-(slope * decision + offset))
            case .isotonic(let xs, let ys):
                guard let above = xs.firstIndex(where: { $0 >= decision }) else { return ys.last ?? 0 }
                if above == 0 || xs[above] == decision { return ys[above] }
                let share = (decision - xs[above - 1]) / (xs[above] - xs[above - 1])
                return ys[above - 1] + share * (ys[above] - ys[above - 1])
            }
        }
    }

    struct Fold: Sendable {
        var steps: [any RowTransform]
        /// Gives one decision for two classes, else one a class.
        var model: any RowModel
        var maps: [Map]
    }

    var classes: [String]
    var featureCount: Int
    var folds: [Fold]
    /// Nothing is checked before the folds.
    var acceptsMissing: Bool { folds.allSatisfy { $0.steps.acceptsMissing(before: $0.model.acceptsMissing) } }
    var acceptsInfinite: Bool { folds.allSatisfy { $0.steps.isEmpty && $0.model.acceptsInfinite } }
    var cost: Int {
        folds.reduce(0) { sum, fold in fold.steps.reduce(sum + fold.model.cost + 50 * fold.maps.count) { $0 + $1.cost }
        }
    }

    func onSparse() -> any RowModel {
        var behind = self
        behind.folds = folds.map { fold in
            var fold = fold
            if fold.steps.isSparse(after: true) { fold.model = fold.model.onSparse() }
            return fold
        }
        return behind
    }

    func outputs(_ row: [Double]) throws -> [Double] {
        var sums = [Double](repeating: 0, count: classes.count)
        for fold in folds {
            for (index, share) in try shares(fold, row).enumerated() { sums[index] += share }
        }
        return sums.map { $0 / Double(folds.count) }
    }

    private func shares(_ fold: Fold, _ row: [Double]) throws -> [Double] {
        let decisions = try fold.model.checkedOutputs(fold.steps.apply(row))
        if classes.count == 2 {
            // Of probabilities the second class's.
            let probability = fold.maps[0](decisions.count > 1 ? decisions[1] : decisions[0])
            return [1 - probability, probability]
        }
        let each = zip(fold.maps, decisions).map { $0($1) }
        let sum = each.reduce(0, +)
        return each.map { sum == 0 ? 1 / Double(each.count) : $0 / sum }
    }
}
