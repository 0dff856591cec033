import Foundation

/// Numbers as the pages show them.
enum NumberText {
    /// Up to five significant digits.
    static func metric(_ value: Double) -> String { String(format: "%.5g", value) }

    /// A size in bytes, kB or MB.
    static func size(_ bytes: Int) -> String {
        if bytes < 1000 { return "\(bytes) B" }
        if bytes < 1_000_000 { return String(format: "%.1f kB", Double(bytes) / 1000) }
        return String(format: "%.1f MB", Double(bytes) / 1_000_000)
    }
}

extension NumberText {
    /// A number with four significant digits, without zeros at its end.
    static func short(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "−∞" : "∞" }
        return String(format: "%.4g", value)
    }
}
