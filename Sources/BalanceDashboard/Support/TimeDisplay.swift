import BalanceCore

/// Shows moments in the zone that the reader chose.
struct TimeDisplay {
    /// `browser` is written in UTC and rewritten by the page's script.
    enum Zone: String, CaseIterable { case kst, utc, browser }

    let zone: Zone

    /// A moment for a page.
    struct Cell {
        /// ISO 8601, for the script and for copying.
        var iso: String
        var text: String
    }

    /// A recorded time; a text that is no time is shown as it is.
    func cell(_ recorded: String) -> Cell {
        guard let moment = Timestamp(iso8601: recorded) else { return Cell(iso: "", text: recorded) }
        // Korea has had no summer time since 1988.
        let shift = zone == .kst ? 9 * 3_600_000 : 0
        let shifted = Timestamp(milliseconds: moment.milliseconds + shift).iso8601
        let text = shifted.prefix(19).replacing("T", with: " ")
        return Cell(iso: moment.iso8601, text: "\(text) \(zone == .kst ? "KST" : "UTC")")
    }
}
