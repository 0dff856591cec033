import BalanceCore

/// The mean and the population deviation of each column.
package struct Standardizer: Sendable {
    package private(set) var mean: [Double] = []
    package private(set) var scale: [Double] = []

    /// - Throws: `Failure` with code `trainingFailed` where a column's values are too large to be squared.
    package init(_ features: Matrix, names: [String]) throws {
        for column in 0..<features.columns {
            let values = features[column: column]
            let mean = values.reduce(0) { $0 + $1 / Double(values.count) }
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) / Double(values.count) }
            guard mean.isFinite, variance.isFinite else {
                throw Failure(
                    .trainingFailed,
                    "the values of '\(names[column])' are too large to be standardised",
                    hint: "scale the column down"
                )
            }
            let deviation = variance.squareRoot()
            self.mean.append(mean)
            // A constant column differs from its mean by rounding only; it is centred and not scaled.
            scale.append(deviation <= 1e-14 * abs(mean) || deviation == 0 ? 1 : deviation)
        }
    }

    /// The standardised matrix.
    package func apply(to features: Matrix) -> Matrix {
        let columns = features.columns
        var values = features.values
        for index in values.indices { values[index] = (values[index] - mean[index % columns]) / scale[index % columns] }
        return Matrix(rows: features.rows, columns: columns, values: values)
    }
}
