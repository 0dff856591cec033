/// What two models called positive, for the metrics that are ratios of hits and false alarms: `f1` and `precision_1`.
struct PairedRatio: Hashable {
    /// Of the rows that are positive, and of the others: how many both models called positive, how many one of them alone.
    struct Side: Hashable {
        var both = 0
        var candidate = 0
        var current = 0
        var rows = 0

        var swapped: Side { Side(both: both, candidate: current, current: candidate, rows: rows) }
        var mean: Double { Double(both) + Double(candidate + current) / 2 }
    }

    var isF1: Bool
    var hits = Side()
    var alarms = Side()

    /// The exact chance of a gain like this (``SwapTest``).
    var chance: Double {
        func gain(_ won: Int, _ spared: Int) -> Double {
            value(Double(hits.both + won), Double(alarms.both + alarms.candidate + alarms.current - spared))
                - value(Double(hits.both + hits.candidate + hits.current - won), Double(alarms.both + spared))
        }
        return SwapTest.two(
            hits.candidate + hits.current,
            alarms.candidate + alarms.current,
            observed: gain(hits.candidate, alarms.current),
            gain
        )
    }

    /// The lower bound of the gain (``PairedBounds``).
    func lower(_ alpha: Double) -> Double {
        let (won, raised) = (Double(hits.candidate - hits.current), Double(alarms.candidate - alarms.current))
        let seen = gain(won, raised)
        let fewest = PairedBounds.lower(stratum(hits), alpha) * Double(hits.rows)
        let most = alarms.rows == 0 ? 0 : PairedBounds.upper(stratum(alarms), alpha) * Double(alarms.rows)
        let (left, right) = (max(0, seen - gain(fewest, raised)), max(0, seen - gain(won, most)))
        return max(-1, seen - (left * left + right * right).squareRoot())
    }

    func upper(_ alpha: Double) -> Double {
        -PairedRatio(isF1: isF1, hits: hits.swapped, alarms: alarms.swapped).lower(alpha)
    }

    private func stratum(_ side: Side) -> SwapTest.Stratum {
        .init(wins: side.candidate, losses: side.current, rows: side.rows)
    }

    /// The metric; nothing that was hit is 0, which keeps it from falling where hits grow.
    private func value(_ hit: Double, _ alarm: Double) -> Double {
        hit <= 0 ? 0 : isF1 ? 2 * hit / (Double(hits.rows) + hit + alarm) : hit / (hit + alarm)
    }

    /// The gain if the models differed by so many hits and false alarms around what they have in the mean.
    private func gain(_ won: Double, _ raised: Double) -> Double {
        let (hit, missed) = Self.around(hits.mean, won, Double(hits.rows))
        let (alarm, spared) = Self.around(alarms.mean, raised, Double(alarms.rows))
        return value(hit, alarm) - value(missed, spared)
    }

    /// Two counts that differ by so much around a mean, moved to where both are possible.
    private static func around(_ mean: Double, _ difference: Double, _ rows: Double) -> (Double, Double) {
        var (one, other) = (mean + difference / 2, mean - difference / 2)
        if other < 0 { (one, other) = (one - other, 0) }
        if one < 0 { (one, other) = (0, other - one) }
        if one > rows { (one, other) = (rows, other - (one - rows)) }
        if other > rows { (one, other) = (one - (other - rows), rows) }
        return (max(0, one), max(0, other))
    }
}
