import Foundation

/// A moment in milliseconds since 1970-01-01 UTC.
package struct Timestamp: Sendable, Hashable, Comparable {
    package var milliseconds: Int

    package init(milliseconds: Int) { self.milliseconds = milliseconds }

    /// The moment so many days of 24 hours later.
    package func addingDays(_ days: Int) -> Timestamp { Timestamp(milliseconds: milliseconds + days * 86_400_000) }

    /// The whole seconds that passed since another moment, negative where it is later, whatever a client says of either.
    package func seconds(since other: Timestamp) -> Int {
        let (difference, isTooLarge) = milliseconds.subtractingReportingOverflow(other.milliseconds)
        return (isTooLarge ? (milliseconds > other.milliseconds ? Int.max : Int.min) : difference) / 1000
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// ISO 8601 in UTC to the second, as `2026-02-16T19:46:48+00:00`: the form that the product's files and rows use.
    package var iso8601: String {
        date.formatted(.iso8601).replacingOccurrences(of: "Z", with: "+00:00")
    }

    /// `20260216_194648`, the beginning of a run folder's name.
    package var compact: String {
        date.formatted(.iso8601).filter { !"-:Z".contains($0) }.replacingOccurrences(of: "T", with: "_")
    }

    /// Reads an ISO 8601 text with or without fraction and offset (without: UTC), or returns nil.
    package init?(iso8601 text: String) {
        var text = text.replacingOccurrences(of: " ", with: "T")
        if !text.hasSuffix("Z"), !text.dropFirst(19).contains(where: { $0 == "+" || $0 == "-" }) { text += "Z" }
        let whole = Date.ISO8601FormatStyle()
        let fraction = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        guard let date = (try? fraction.parse(text)) ?? (try? whole.parse(text)) else { return nil }
        self.init(milliseconds: Int((date.timeIntervalSince1970 * 1000).rounded()))
    }

    /// The moment as a date; a moment outside the years ±270 000 is drawn in to that range.
    private var date: Date {
        let limit = 8_500_000_000_000_000
        return Date(timeIntervalSince1970: Double(min(max(milliseconds, -limit), limit)) / 1000)
    }
}
