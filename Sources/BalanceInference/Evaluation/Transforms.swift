/// `(x - mean) / scale`, column by column; an empty list leaves that part out.
struct StandardScale: RowTransform {
    var mean: [Double]
    var scale: [Double]

    func apply(_ row: [Double]) -> [Double] {
        var row = row
        for index in row.indices {
            if index < mean.count { row[index] -= mean[index] }
            if index < scale.count { row[index] /= scale[index] }
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

    func apply(_ row: [Double]) -> [Double] {
        row.indices.map { index in
            let value = row[index] * scale[index] + (offset.isEmpty ? 0 : offset[index])
            guard let range else { return value }
            return min(max(value, range.lowerBound), range.upperBound)
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
        return length == 0 ? row : row.map { $0 / length }
    }

    func outputCount(_ count: Int) -> Int? { count }
}

/// A value in the place of a missing one; columns whose value is NaN are left out.
struct Impute: RowTransform {
    var values: [Double]
    /// What counts as missing, besides NaN where it is NaN.
    var missing: Double
    /// The columns that were missing somewhere in training, whose mark follows; empty: none.
    var marks: [Int] = []

    var acceptsMissing: Bool { true }

    func apply(_ row: [Double]) -> [Double] {
        let filled = row.indices.compactMap { index -> Double? in
            values[index].isNaN ? nil : isMissing(row[index]) ? values[index] : row[index]
        }
        return filled + marks.map { isMissing(row[$0]) ? 1 : 0 }
    }

    func outputCount(_ count: Int) -> Int? {
        guard values.count == count, marks.allSatisfy({ $0 < count }) else { return nil }
        return values.count { !$0.isNaN } + marks.count
    }

    private func isMissing(_ value: Double) -> Bool { missing.isNaN ? value.isNaN : value == missing }
}

/// Products of columns: for each output how often it takes each column.
struct Polynomial: RowTransform {
    var powers: [[Int]]

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
    /// The categories of each column.
    var categories: [[Double]]
    /// Whether each category gets a column of its own; else its number.
    var isOneHot: Bool
    /// For each column the category that gets no column, or nil.
    var dropped: [Int?] = []
    /// The number of a category that was never seen, where categories are numbers.
    var unknown = Double.nan

    var acceptsMissing: Bool { categories.contains { $0.contains(where: \.isNaN) } }

    func apply(_ row: [Double]) -> [Double] {
        var result: [Double] = []
        for (index, known) in categories.enumerated() {
            let found = known.firstIndex { $0 == row[index] || ($0.isNaN && row[index].isNaN) }
            guard isOneHot else {
                result.append(found.map(Double.init) ?? unknown)
                continue
            }
            for category in known.indices where dropped.isEmpty || dropped[index] != category {
                result.append(category == found ? 1 : 0)
            }
        }
        return result
    }

    func outputCount(_ count: Int) -> Int? {
        guard categories.count == count, [0, count].contains(dropped.count) else { return nil }
        return isOneHot ? categories.reduce(0) { $0 + $1.count } - dropped.count { $0 != nil } : count
    }
}

/// Parts of a row through steps of their own, side by side.
struct Columns: RowTransform {
    var parts: [(columns: [Int], steps: [any RowTransform])]

    var acceptsMissing: Bool { parts.allSatisfy { $0.steps.first?.acceptsMissing ?? true } }

    func apply(_ row: [Double]) -> [Double] {
        parts.flatMap { part in
            part.steps.reduce(part.columns.map { row[$0] }) { $1.apply($0) }
        }
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
