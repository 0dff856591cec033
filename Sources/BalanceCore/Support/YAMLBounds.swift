/// Bounds what a YAML text can make of its reader before it is read: the reader calls itself for each level, and walks a part
/// again for each alias that names it.
package enum YAMLBounds {
    /// Twenty aliases can name a part some 1,600 times, however they are nested.
    private static let maximumAliases = 20

    /// Whether brackets, signs that can open levels at a line's beginning, and aliases stay within bounds.
    ///
    /// Comments and quoted texts count too: what looks like one to a scanner need not be one to the reader.
    package static func allow(_ bytes: some Sequence<UInt8>, depth maximum: Int) -> Bool {
        var depth = 0
        var lead = 0
        var aliases = 0
        var isLeading = true
        var last = UInt8(ascii: "\n")
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
            case UInt8(ascii: "*") where " \t\r\n[{,:?-".utf8.contains(last): aliases += 1
            case UInt8(ascii: "\n"): (lead, isLeading) = (0, true)
            default: break
            }
            if isLeading, " -?\t".utf8.contains(byte) {
                lead += 1
            } else if byte != UInt8(ascii: "\n") {
                isLeading = false
            }
            if depth > maximum || lead > 4 * maximum || aliases > maximumAliases { return false }
            last = byte
        }
        return true
    }
}
