import BalanceCore
import Foundation

/// Values of the API as people read them.
enum Plain {
    /// A number with four significant digits; whole numbers as they are.
    static func number(_ value: JSONValue?) -> String {
        guard let number = value?.anyNumber else { return "" }
        if let whole = value?.integer { return String(whole) }
        return number.isFinite ? String(format: "%.4g", number) : "\(number)"
    }

    /// A sentence whose long numbers have four significant digits.
    static func shortened(_ text: String) -> String {
        text.replacing(/\d+\.\d{5,}(?:e-?\d+)?/) { match in
            Double(match.output).map { String(format: "%.4g", $0) } ?? String(match.output)
        }
    }

    /// Metrics in one line.
    static func metrics(_ value: JSONValue?) -> String {
        (value?.members ?? []).map { "\($0.0) \(number($0.1))" }.joined(separator: ", ")
    }

    /// A time of the API in the zone of the person.
    static func time(_ value: JSONValue?) -> String {
        guard let text = value?.string else { return "" }
        return Timestamp(iso8601: text).map(time) ?? text
    }

    /// A time of MLflow's dialect, which sends 64-bit numbers also as text.
    static func time(milliseconds value: JSONValue?) -> String {
        let number = value?.integer ?? value?.string.flatMap { Int($0) } ?? 0
        return number > 0 ? time(Timestamp(milliseconds: number)) : ""
    }

    static func time(_ time: Timestamp) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = "yyyy-MM-dd HH:mm:ss ZZZZZ"
        return formatter.string(from: Date(timeIntervalSince1970: Double(time.milliseconds) / 1000))
    }

    /// `1 run`, `2 runs`.
    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// A size with a unit.
    static func size(_ bytes: Int) -> String {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
        var (value, unit) = (Double(bytes), 0)
        while value >= 1024, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
        return unit == 0 ? count(bytes, "byte") : String(format: "%.1f %@", value, units[unit])
    }
}
