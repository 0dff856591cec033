/// What of a metric's history a picture shows.
package struct SeriesView: Sendable, Hashable {
    package enum Axis: String, Sendable {
        case step
        /// In milliseconds since 1970.
        case time
    }

    package var axis: Axis
    /// The part that is shown; nil: all.
    package var range: ClosedRange<Int>?
    /// How many columns of pixels there are.
    package var columns: Int

    package init(axis: Axis, range: ClosedRange<Int>?, columns: Int) {
        self.axis = axis
        self.range = range
        self.columns = columns
    }
}

/// Points of a metric that lie beside each other, as a picture needs them: nothing that stands out is lost.
package struct SeriesColumn: Sendable, Hashable {
    /// Where the last one lies.
    package var x: Int
    package var last: Double
    package var low: Double
    package var high: Double
    package var sum: Double
    /// How many finite values there are.
    package var count: Int
    package var isNaN = false
    package var isInfinite = false

    package init(x: Int, value: Double) {
        self.init(x: x, last: value, low: value, high: value, sum: value, count: value.isFinite ? 1 : 0)
        isNaN = value.isNaN
        isInfinite = value.isInfinite
    }

    package init(x: Int, last: Double, low: Double, high: Double, sum: Double, count: Int) {
        self.x = x
        self.last = last
        self.low = low
        self.high = high
        self.sum = sum
        self.count = count
    }

    /// Takes in what lies behind.
    mutating func add(_ next: SeriesColumn) {
        x = next.x
        isNaN = isNaN || next.isNaN
        isInfinite = isInfinite || next.isInfinite
        guard next.count > 0 else { return }
        guard count > 0 else {
            (last, low, high, sum, count) = (next.last, next.low, next.high, next.sum, next.count)
            return
        }
        last = next.last
        low = min(low, next.low)
        high = max(high, next.high)
        sum += next.sum
        count += next.count
    }
}

/// A metric's history thinned to the columns of a picture.
package struct MetricSeries: Sendable {
    /// How many points there are in the part that is shown.
    package var count = 0
    package var nanCount = 0
    package var infiniteCount = 0
    /// The run's first step and time of this metric, which relative axes count from.
    package var firstStep = 0
    package var firstTime = 0
    package private(set) var columns: [SeriesColumn] = []
    /// Whether each column is a point.
    package private(set) var isExact = true

    package init() {}

    /// Puts columns that are in order into no more than `view.columns`.
    package mutating func fill(_ all: [SeriesColumn], _ view: SeriesView) {
        isExact = all.count <= view.columns && all.allSatisfy { $0.count <= 1 }
        guard all.count > view.columns, let first = all.first?.x, let last = all.last?.x, last > first else {
            columns = all
            return
        }
        let (low, high) = (view.range?.lowerBound ?? first, view.range?.upperBound ?? last)
        // A client may log any step of 64 bits: their difference need not be one.
        let width = max(Double(high) - Double(low), 1)
        var place = -1
        for column in all {
            let next = Int((Double(column.x) - Double(low)) / width * Double(view.columns - 1))
            if next == place, !columns.isEmpty {
                columns[columns.count - 1].add(column)
            } else {
                columns.append(column)
                place = next
            }
        }
    }

    /// The series as the pages' scripts read it.
    package func json(run: RunID, key: String) -> JSONValue {
        let finite = columns.filter { $0.count > 0 }
        var members: [(String, JSONValue)] = [
            ("run", .string(run.stored)), ("key", .string(key)), ("n", .int(count)), ("nan", .int(nanCount)),
            ("inf", .int(infiniteCount)), ("x0", .int(firstStep)), ("t0", .int(firstTime)),
            ("X", .array(finite.map { .int($0.x) })), ("L", .array(finite.map { .double($0.last) })),
        ]
        if !isExact {
            members += [
                ("lo", .array(finite.map { .double($0.low) })), ("hi", .array(finite.map { .double($0.high) })),
                ("M", .array(finite.map { .double($0.sum / Double($0.count)) })),
                ("N", .array(finite.map { .int($0.count) })),
            ]
        }
        let marks = [("nanX", columns.filter(\.isNaN)), ("infX", columns.filter(\.isInfinite))]
        for (name, found) in marks where !found.isEmpty { members.append((name, .array(found.map { .int($0.x) }))) }
        return .object(members)
    }
}
