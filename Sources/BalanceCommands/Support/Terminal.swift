import Foundation

/// What the person in front of the terminal sees.
enum Terminal {
    static var isOutput: Bool { isatty(STDOUT_FILENO) == 1 }

    /// The columns of the terminal that standard output is; nil for a file or a pipe.
    static var width: Int? {
        guard isOutput else { return nil }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Colours are for terminals, and not where NO_COLOR asks for none (no-color.org).
    static let hasColours: Bool = {
        let environment = ProcessInfo.processInfo.environment
        return isOutput && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }()

    /// The colours of marks: their codes in ECMA-48, SGR.
    enum Colour: Int {
        case red = 31
        case green = 32
        case yellow = 33
    }

    static func paint(_ text: String, _ colour: Colour, when isOn: Bool = hasColours) -> String {
        isOn && !text.isEmpty ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// The columns that a text takes.
    static func width(of text: String) -> Int {
        let bare = text.contains("\u{1B}") ? text.replacing(/\u{1B}\[\d+m/, with: "") : text
        return bare.unicodeScalars.reduce(0) { $0 + width(of: $1) }
    }

    /// A text that takes no more columns than there are; what is cut ends in an ellipsis.
    static func cut(_ text: String, to columns: Int) -> String {
        guard width(of: text) > columns else { return text }
        var taken = 1
        var short = ""
        for character in text {
            taken += width(of: String(character))
            if taken > columns { break }
            short.append(character)
        }
        return short + "…"
    }

    /// Wide characters of East Asian scripts take two columns (Unicode Standard Annex 11), marks above others none.
    private static func width(of scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case 0x20...0x7E: 1
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            2
        default:
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .format, .control: 0
            default: 1
            }
        }
    }
}
