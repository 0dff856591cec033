import BalanceCore

/// `(x - mean) / scale`, column by column; an empty list leaves that part out.
struct StandardScale: RowTransform {
    var mean: [Double]
    var scale: [Double]
    /// What the result is drawn in to, where it is.
    var range: ClosedRange<Double>?
    /// Whether rows are multiplied with 1 / scale, as scikit-learn does with a sparse matrix.
    var isReciprocal = false
    var acceptsMissing: Bool { true }

    func onSparse() -> any RowTransform {
        var step = self
        step.isReciprocal = true
        return step
    }

    func apply(_ row: [Double]) -> [Double] {
        var row = row
        for index in row.indices {
            if index < mean.count { row[index] -= mean[index] }
            if index < scale.count {
                row[index] = isReciprocal ? row[index] * (1 / scale[index]) : row[index] / scale[index]
            }
            if let range, !row[index].isNaN { row[index] = min(max(row[index], range.lowerBound), range.upperBound) }
        }
        return row
    }

    func outputCount(_ count: Int) -> Int? {
        [0, count].contains(mean.count) && [0, count].contains(scale.count) ? count : nil
    }
}

/// `x * scale + offset`, drawn in to a range where there is one (MinMaxScaler, MaxAbsScaler).
struct LinearScale: RowTransform {
    var scale: [Double]
    var offset: [Double]
    var range: ClosedRange<Double>?
    var acceptsMissing: Bool { true }

    func apply(_ row: [Double]) -> [Double] {
        row.indices.map { index in
            let value = row[index] * scale[index] + (offset.isEmpty ? 0 : offset[index])
            guard let range else { return value }
            return value.isNaN ? value : min(max(value, range.lowerBound), range.upperBound)
        }
    }

    func outputCount(_ count: Int) -> Int? { scale.count == count && [0, count].contains(offset.count) ? count : nil }
}

/// Rows of length 1 in a norm; a row of zeros stays.
struct Normalize: RowTransform {
    enum Norm: String {
        case l1, l2, max
    }

    var norm: Norm

    func apply(_ row: [Double]) -> [Double] {
        let length: Double
        switch norm {
        case .l1: length = row.reduce(0) { $0 + abs($1) }
        case .l2: length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
        case .max: length = row.reduce(0) { Swift.max($0, abs($1)) }
        }
        // What is nearly nothing counts as 1, as in scikit-learn.
        return length < 10 * Double.ulpOfOne ? row : row.map { $0 / length }
    }

    func outputCount(_ count: Int) -> Int? { count }
}

/// A value in the place of a missing one; columns whose value is NaN are left out.
struct Impute: RowTransform {
    var values: [Double]
    /// What counts as missing.
    var missing: Double
    /// The columns that were missing somewhere in training, whose mark follows; empty: none.
    var marks: [Int] = []
    /// Whether the columns are texts.
    var isText = false

    var acceptsMissing: Bool { missing.isNaN }
    var removesMissing: Bool { missing.isNaN }

    func onSparse() throws -> any RowTransform {
        guard !values.contains(0) else {
            throw EstimatorConverter.refusal("a SimpleImputer that fills in 0 after a sparse matrix")
        }
        return self
    }

    var textColumns: Set<Int> { isText ? Set(values.indices) : [] }
    /// Whether each column stays where it is.
    var keepsPlaces: Bool { values.allSatisfy { !$0.isNaN } }

    func apply(_ row: [Double]) -> [Double] {
        let filled = row.indices.compactMap { index -> Double? in
            values[index].isNaN ? nil : isMissing(row[index]) ? values[index] : row[index]
        }
        return filled + marks.map { isMissing(row[$0]) ? 1 : 0 }
    }

    func outputCount(_ count: Int) -> Int? {
        guard values.count == count, marks.allSatisfy({ (0..<count).contains($0) }) else { return nil }
        return values.count { !$0.isNaN } + marks.count
    }

    private func isMissing(_ value: Double) -> Bool { missing.isNaN ? value.isNaN : value == missing }
}

/// Products of columns: for each output how often it takes each column.
struct Polynomial: RowTransform {
    var powers: [[Int]]
    var cost: Int { powers.count * (powers.first?.count ?? 0) }

    func apply(_ row: [Double]) -> [Double] {
        powers.map { powers in
            var product = 1.0
            for (value, power) in zip(row, powers) {
                for _ in 0..<power { product *= value }
            }
            return product
        }
    }

    func outputCount(_ count: Int) -> Int? { powers.allSatisfy { $0.count == count } ? powers.count : nil }
}

/// `(x - mean) · components`, scaled where it is to be whitened (PCA).
struct Project: RowTransform {
    var mean: [Double]
    var components: [[Double]]
    /// What each output is divided by; empty: nothing.
    var deviations: [Double]
    func isSparse(after sparse: Bool) -> Bool { false }
    var cost: Int { components.count * (components.first?.count ?? 0) }

    func apply(_ row: [Double]) -> [Double] {
        let centred = mean.isEmpty ? row : zip(row, mean).map { $0 - $1 }
        return components.indices.map { index in
            let value = zip(centred, components[index]).reduce(0) { $0 + $1.0 * $1.1 }
            return deviations.isEmpty ? value : value / deviations[index]
        }
    }

    func outputCount(_ count: Int) -> Int? {
        let fits = [0, count].contains(mean.count) && components.allSatisfy { $0.count == count }
        return fits && [0, components.count].contains(deviations.count) ? components.count : nil
    }
}

/// A column for each category of each column, or its number.
struct Encode: RowTransform {
    /// What becomes of a value that is no category.
    enum Unknown: Sendable {
        /// The row is refused.
        case refuse
        /// No column is marked.
        case ignore
        /// It counts as the category in this place, which is a rare one's.
        case rare
        case value(Double)
    }

    /// The categories of each column; texts by their codes.
    var categories: [[Double]]
    /// The columns whose categories are texts.
    var textColumns: Set<Int> = []
    /// Whether each category gets a column of its own; else its number.
    var isOneHot: Bool
    /// Whether scikit-learn gives a sparse matrix.
    var isSparse = false
    /// For each column the category that gets no column, or nil.
    var dropped: [Int?] = []
    var unknown = Unknown.refuse
    /// The number of a category that is missing (OrdinalEncoder).
    var missing = Double.nan
    /// The columns whose category that is missing is None.
    var noneColumns: Set<Int> = []
    /// For each column the output of each of its categories, where rare ones share one.
    var places: [[Int]] = []

    var removesMissing: Bool { isOneHot }
    func isSparse(after sparse: Bool) -> Bool { isSparse }
    /// A missing value is a category, or none, like any other.
    func complaint(about value: Double) -> String? { value.isNaN ? nil : NotFinite.complaint(value, true, false) }
    var cost: Int { categories.reduce(50) { $0 + $1.count * 2 } }

    var acceptsMissing: Bool {
        if case .refuse = unknown { return categories.contains { $0.contains(where: \.isNaN) } }
        return true
    }

    func apply(_ row: [Double]) throws -> [Double] {
        var result: [Double] = []
        for (index, known) in categories.enumerated() {
            let value = row[index]
            let found = known.firstIndex { $0 == value || ($0.isNaN && value.isNaN) }
            if found == nil, case .refuse = unknown {
                throw RowRefusal(column: index, reason: "the value is not a category of the training data")
            }
            if isOneHot { mark(index, found, &result) } else { result.append(number(index, found, value)) }
        }
        return result
    }

    private func mark(_ index: Int, _ found: Int?, _ result: inout [Double]) {
        var chosen = found.map { places.isEmpty ? $0 : places[index][$0] }
        if found == nil, case .rare = unknown, !places.isEmpty { chosen = rarePlace(index) }
        for place in 0..<width(index) where dropped.isEmpty || dropped[index] != place {
            result.append(place == chosen ? 1 : 0)
        }
    }

    private func number(_ index: Int, _ found: Int?, _ value: Double) -> Double {
        guard let found else {
            if case .value(let number) = unknown { return number }
            return .nan
        }
        // None is a category like any other; only NaN is missing.
        if categories[index][found].isNaN, !noneColumns.contains(index) { return missing }
        return Double(places.isEmpty ? found : places[index][found])
    }

    /// The outputs of a column before one is dropped.
    private func width(_ index: Int) -> Int {
        places.isEmpty ? categories[index].count : (places[index].max() ?? -1) + 1
    }

    /// Where the rare categories of a column went: the last place, if several share it or it was made for one.
    private func rarePlace(_ index: Int) -> Int? {
        rare.indices.contains(index) && rare[index] ? width(index) - 1 : nil
    }

    /// For each column whether it has rare categories.
    var rare: [Bool] = []

    func outputCount(_ count: Int) -> Int? {
        guard categories.count == count, [0, count].contains(dropped.count),
            dropped.indices.allSatisfy({ index in dropped[index].map { (0..<width(index)).contains($0) } ?? true })
        else { return nil }
        return isOneHot ? categories.indices.reduce(0) { $0 + width($1) } - dropped.count { $0 != nil } : count
    }
}

/// Parts of a row through steps of their own, side by side.
struct Columns: RowTransform {
    var parts: [(columns: [Int], steps: [any RowTransform])]
    /// Whether scikit-learn gives a sparse matrix.
    var isSparse = false

    func isSparse(after sparse: Bool) -> Bool { isSparse }
    /// Each part looks at its own columns.
    func complaint(about value: Double) -> String? { nil }

    var cost: Int { parts.reduce(50) { sum, part in part.steps.reduce(sum + part.columns.count) { $0 + $1.cost } } }
    var acceptsMissing: Bool { parts.allSatisfy { $0.steps.acceptsMissing(before: true) } }
    var removesMissing: Bool { parts.contains { part in part.steps.contains(where: \.removesMissing) } }

    var textColumns: Set<Int> {
        Set(parts.flatMap { part in part.steps.textColumns.map { part.columns[$0] } })
    }

    var usedColumns: Set<Int> { Set(parts.flatMap(\.columns)) }

    func apply(_ row: [Double]) throws -> [Double] {
        var result: [Double] = []
        for part in parts {
            do {
                result += try part.steps.apply(part.columns.map { row[$0] })
            } catch var refusal as RowRefusal {
                refusal.column = refusal.column.map { part.columns[$0] }
                throw refusal
            }
        }
        return result
    }

    func outputCount(_ count: Int) -> Int? {
        var total = 0
        for part in parts {
            guard part.columns.allSatisfy({ $0 >= 0 && $0 < count }) else { return nil }
            var width: Int? = part.columns.count
            for step in part.steps { width = width.flatMap(step.outputCount) }
            guard let width else { return nil }
            total += width
        }
        return total
    }
}
