/// Numbers in rows and columns, stored row after row.
package struct Matrix: Sendable {
    package let rows: Int
    package let columns: Int
    package private(set) var values: [Double]

    /// - Precondition: `values` holds `rows * columns` numbers.
    package init(rows: Int, columns: Int, values: [Double]) {
        precondition(values.count == rows * columns, "a matrix needs rows * columns values")
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// One row.
    package subscript(row row: Int) -> [Double] { Array(values[row * columns..<(row + 1) * columns]) }

    /// One column.
    package subscript(column column: Int) -> [Double] { (0..<rows).map { values[$0 * columns + column] } }

    /// The matrix of some of the rows, in the given order.
    package func selecting(_ indices: [Int]) -> Matrix {
        Matrix(rows: indices.count, columns: columns, values: indices.flatMap { self[row: $0] })
    }
}
