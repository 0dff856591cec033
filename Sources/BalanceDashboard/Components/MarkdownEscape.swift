/// Backslashes and character references.
enum MarkdownEscape {
    /// The text that the bytes stand for.
    static func plain(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(text.count)
        var place = text.startIndex
        while place < text.endIndex {
            let byte = text[place]
            if byte == UInt8(ascii: "\\"), place + 1 < text.endIndex, text[place + 1].isMarkdownPunctuation {
                plain.append(text[place + 1])
                place += 2
            } else if byte == UInt8(ascii: "&"), let reference = reference(text[place...]) {
                plain += reference.text
                place = reference.end
            } else {
                plain.append(byte)
                place += 1
            }
        }
        return plain
    }

    /// The text of a character reference at the start, and where it ends.
    static func reference(_ text: ArraySlice<UInt8>) -> (text: [UInt8], end: Int)? {
        let window = text.dropFirst().prefix(12)
        guard let end = window.firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let name = window[..<end]
        guard name.first == UInt8(ascii: "#") else {
            return names[String(decoding: name, as: UTF8.self)].map { (Array($0.utf8), end + 1) }
        }
        let isHexadecimal = name.dropFirst().first?.lowercased == UInt8(ascii: "x")
        let digits = name.dropFirst(isHexadecimal ? 2 : 1)
        guard digits.count <= 7, digits.allSatisfy({ $0.isDigit || $0.isLetter }),
            let value = UInt32(String(decoding: digits, as: UTF8.self), radix: isHexadecimal ? 16 : 10)
        else { return nil }
        let scalar = value == 0 ? nil : Unicode.Scalar(value)
        return (Array(String(scalar ?? "\u{FFFD}").utf8), end + 1)
    }

    /// The names that people write, and those that hide a scheme; others are shown as they stand.
    private static let names: [String: String] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": "\u{A0}", "copy": "©", "reg": "®",
        "trade": "™", "hellip": "…", "ndash": "–", "mdash": "—", "middot": "·", "bull": "•", "times": "×",
        "divide": "÷",
        "plusmn": "±", "deg": "°", "micro": "µ", "sum": "∑", "radic": "√", "infin": "∞", "asymp": "≈", "ne": "≠",
        "le": "≤", "ge": "≥", "larr": "←", "rarr": "→", "uarr": "↑", "darr": "↓", "harr": "↔", "check": "✓",
        "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "theta": "θ", "lambda": "λ", "mu": "μ",
        "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "omega": "ω", "lsquo": "‘",
        "rsquo": "’", "ldquo": "“", "rdquo": "”", "laquo": "«", "raquo": "»", "sect": "§", "para": "¶", "euro": "€",
        "colon": ":", "Tab": "\t", "NewLine": "\n", "sol": "/", "bsol": "\\", "num": "#", "lpar": "(", "rpar": ")",
    ]
}
