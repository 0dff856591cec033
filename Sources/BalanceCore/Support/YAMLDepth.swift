/// Bounds how deep a YAML text may nest before it is read: its reader calls itself for each level.
package enum YAMLDepth {
    /// Whether brackets, and the signs that can open levels at a line's beginning, stay within a bound.
    package static func isShallow(_ bytes: some Sequence<UInt8>, maximum: Int) -> Bool {
        var depth = 0
        var lead = 0
        var isLeading = true
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
            case UInt8(ascii: "\n"): (lead, isLeading) = (0, true)
            default: break
            }
            let opens = byte == UInt8(ascii: " ") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "?")
            if isLeading, opens { lead += 1 } else if byte != UInt8(ascii: "\n") { isLeading = false }
            if depth > maximum || lead > 4 * maximum { return false }
        }
        return true
    }
}
