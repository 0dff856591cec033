/// A step that changes a row before the last step judges it.
protocol RowTransform: Sendable {
    func apply(_ row: [Double]) -> [Double]
    /// How many numbers come out for a row of some length; nil where a row of that length does not fit.
    func outputCount(_ count: Int) -> Int?
    /// Whether a row may have NaN.
    var acceptsMissing: Bool { get }
}

extension RowTransform {
    var acceptsMissing: Bool { false }
}

/// The step that turns a row into the probability of each class, or into a value.
protocol RowModel: Sendable {
    /// The labels in the order of the outputs; empty for a regressor.
    var classes: [String] { get }
    var featureCount: Int { get }
    /// Whether the outputs of a classifier are more than 1 for the label that it chooses.
    var hasProbabilities: Bool { get }
    /// Whether a row may have NaN.
    var acceptsMissing: Bool { get }
    func outputs(_ row: [Double]) -> [Double]
}

extension RowModel {
    var hasProbabilities: Bool { !classes.isEmpty }
    var acceptsMissing: Bool { false }
}

/// Helpers that models share.
enum Outputs {
    /// Each number's share of e to their powers.
    static func softmax(_ values: [Double]) -> [Double] {
        let largest = values.max() ?? 0
        let powers = values.map { exponential($0 - largest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    static func sigmoid(_ value: Double) -> Double {
        if value >= 0 { return 1 / (1 + exponential(-value)) }
        let power = exponential(value)
        return power / (1 + power)
    }

    /// 1 at the first largest number and 0 elsewhere.
    static func choice(_ values: [Double]) -> [Double] {
        var best = 0
        for index in values.indices where values[index] > values[best] { best = index }
        return values.indices.map { $0 == best ? 1 : 0 }
    }
}
