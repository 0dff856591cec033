import BalanceCore

/// A step that changes a row before the last step judges it.
protocol RowTransform: Sendable {
    /// - Throws: `RowRefusal` for a value that it does not take.
    func apply(_ row: [Double]) throws -> [Double]
    /// How many numbers come out for a row of some length; nil where a row of that length does not fit.
    func outputCount(_ count: Int) -> Int?
    /// Whether a row may have NaN.
    var acceptsMissing: Bool { get }
    /// About how many simple steps a row takes.
    var cost: Int { get }
    /// Whether no NaN is left behind it.
    var removesMissing: Bool { get }
    /// The columns that are texts.
    var textColumns: Set<Int> { get }
    /// Why it does not take a number that is not finite; nil where it does.
    func complaint(about value: Double) -> String?
    /// Whether scikit-learn would hand on a sparse matrix, given whether it gets one.
    func isSparse(after sparse: Bool) -> Bool
    /// The same step as it works on a sparse matrix.
    func onSparse() throws -> any RowTransform
}

extension RowTransform {
    func complaint(about value: Double) -> String? { NotFinite.complaint(value, acceptsMissing, false) }
    func isSparse(after sparse: Bool) -> Bool { sparse }
    func onSparse() throws -> any RowTransform { self }
    var acceptsMissing: Bool { false }
    var cost: Int { 200 }
    var removesMissing: Bool { false }
    var textColumns: Set<Int> { [] }
}

extension [any RowTransform] {
    /// Changes a row step by step; only the first step can name the column that it refuses.
    func apply(_ row: [Double]) throws -> [Double] {
        var row = row
        for (index, step) in enumerated() {
            do {
                for (column, value) in row.enumerated() where !value.isFinite {
                    if let reason = step.complaint(about: value) { throw RowRefusal(column: column, reason: reason) }
                }
                row = try step.apply(row)
            } catch var refusal as RowRefusal {
                if index > 0, !step.keepsPlaces(self[..<index]) { refusal.column = nil }
                throw refusal
            }
        }
        return row
    }

    /// The columns of the raw row that are texts: those of the first step that knows of any.
    var textColumns: Set<Int> {
        for (index, step) in enumerated() where !step.textColumns.isEmpty {
            return step.keepsPlaces(self[..<index]) ? step.textColumns : []
        }
        return []
    }

    /// Whether a row may have NaN before these steps and a model behind them.
    func acceptsMissing(before model: Bool) -> Bool {
        for step in self {
            if !step.acceptsMissing { return false }
            if step.removesMissing { return true }
        }
        return model
    }
}

extension RowTransform {
    /// Whether the steps before leave each column in its place.
    fileprivate func keepsPlaces(_ before: ArraySlice<any RowTransform>) -> Bool {
        before.allSatisfy { ($0 as? Impute)?.keepsPlaces ?? false }
    }
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
    /// Whether a row may have infinite numbers.
    var acceptsInfinite: Bool { get }
    /// About how many simple steps a row takes.
    var cost: Int { get }
    /// The columns that are texts.
    var textColumns: Set<Int> { get }
    /// The names of the features that it was trained on, where it knows them itself.
    var featureNames: [String]? { get }
    /// The same model behind a sparse matrix.
    func onSparse() -> any RowModel
    func outputs(_ row: [Double]) throws -> [Double]
}

/// What is said of numbers that are not finite.
enum NotFinite {
    static func complaint(_ value: Double, _ acceptsMissing: Bool, _ acceptsInfinite: Bool) -> String? {
        if value.isNaN { return acceptsMissing ? nil : "the model takes no missing values (NaN)" }
        return acceptsInfinite ? nil : "the model takes no infinite numbers"
    }
}

extension RowModel {
    var featureNames: [String]? { nil }
    func onSparse() -> any RowModel { self }

    /// The outputs for a row that may hold numbers which are not finite.
    func checkedOutputs(_ row: [Double]) throws -> [Double] {
        for value in row where !value.isFinite {
            if let reason = NotFinite.complaint(value, acceptsMissing, acceptsInfinite) {
                throw RowRefusal(column: nil, reason: reason)
            }
        }
        return try outputs(row)
    }

    var hasProbabilities: Bool { !classes.isEmpty }
    var acceptsMissing: Bool { false }
    var acceptsInfinite: Bool { false }
    /// That of a linear model; others say more.
    var cost: Int { 50 + featureCount * max(classes.count, 1) }
    var textColumns: Set<Int> { [] }
}

/// A model behind transforms of its own.
struct Staged: RowModel {
    var featureCount: Int
    var steps: [any RowTransform]
    var model: any RowModel

    var classes: [String] { model.classes }
    var hasProbabilities: Bool { model.hasProbabilities }
    var acceptsMissing: Bool { steps.acceptsMissing(before: model.acceptsMissing) }
    var cost: Int { steps.reduce(model.cost) { $0 + $1.cost } }
    var textColumns: Set<Int> { steps.textColumns }

    func onSparse() -> any RowModel {
        var behind = self
        behind.model = steps.isSparse(after: true) ? model.onSparse() : model
        return behind
    }

    func outputs(_ row: [Double]) throws -> [Double] { try model.checkedOutputs(steps.apply(row)) }
}

extension [any RowTransform] {
    /// Whether a sparse matrix comes out.
    func isSparse(after sparse: Bool) -> Bool { reduce(sparse) { $1.isSparse(after: $0) } }

    /// The steps as they work behind one another: those that get a sparse matrix as they work on one.
    func followingSparsity(from sparse: Bool = false) throws -> [any RowTransform] {
        var sparse = sparse
        return try map { step in
            defer { sparse = step.isSparse(after: sparse) }
            return sparse ? try step.onSparse() : step
        }
    }
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
        let best = TabularInference.best(values)
        return values.indices.map { $0 == best ? 1 : 0 }
    }
}
