/// Bounds what a YAML text can make of its reader before it is read: the reader calls itself for each level, and walks a part
/// again for each alias that names it.
package enum YAMLBounds {
    /// Twenty aliases can name a part some 1,600 times, however they are nested.
    private static let maximumAliases = 20

    /// Whether brackets, signs that can open levels at a line's beginning, and aliases stay within bounds.
    ///
    /// Comments and quoted texts of one line do not count; a text that goes on over lines counts as if it had no quotes.
    package static func allow(_ bytes: some Sequence<UInt8>, depth maximum: Int) -> Bool {
        var scan = YAMLScan()
        for byte in bytes {
            scan.take(byte)
            if scan.depth > maximum || scan.lead > 4 * maximum || scan.aliases > maximumAliases { return false }
        }
        return true
    }
}

/// Walks over YAML and counts what costs its reader.
private struct YAMLScan {
    var depth = 0
    /// The signs at the beginning of a line that is no comment.
    var lead = 0
    var aliases = 0
    private var leading = 0
    private var isLeading = true
    private var isComment = false
    private var quote: UInt8?
    private var isEscaped = false
    private var last = UInt8(ascii: "\n")

    mutating func take(_ byte: UInt8) {
        defer { last = byte }
        if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
            (lead, leading, isLeading, isComment, quote, isEscaped) = (0, 0, true, false, nil, false)
            return
        }
        if isComment { return }
        if let quote {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                isEscaped = true
            } else if byte == quote {
                self.quote = nil
            }
            return
        }
        let isBlank = last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") || last == UInt8(ascii: "\n")
        if byte == UInt8(ascii: "#"), isBlank || last == UInt8(ascii: "\r") {
            isComment = true
            return
        }
        count(byte, begins: isBlank || "[{,:\r".utf8.contains(last))
    }

    private mutating func count(_ byte: UInt8, begins: Bool) {
        switch byte {
        case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
        case UInt8(ascii: "*") where begins: aliases += 1
        case UInt8(ascii: "'"), UInt8(ascii: "\""): if begins { quote = byte }
        default: break
        }
        if isLeading, " -?\t".utf8.contains(byte) {
            leading += 1
            // Blanks alone may stand before a comment.
            if byte != UInt8(ascii: " ") { lead = leading }
        } else if isLeading {
            isLeading = false
            lead = leading
        }
    }
}
