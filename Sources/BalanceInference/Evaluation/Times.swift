/// Every number times the same (`transformer_weights` of a ColumnTransformer).
struct Times: RowTransform {
    var factor: Double
    var acceptsMissing: Bool { true }
    func complaint(about value: Double) -> String? { nil }

    func apply(_ row: [Double]) -> [Double] { row.map { $0 * factor } }

    func outputCount(_ count: Int) -> Int? { count }
}
