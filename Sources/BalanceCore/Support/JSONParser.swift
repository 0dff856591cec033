/// Why a text is not JSON, and at which byte.
package struct JSONSyntaxError: Error, Sendable {
    package var message: String
    package var offset: Int
    /// Whether it is JSON all the same, with a name that stands twice in an object.
    package var isRepeatedName = false
}

extension JSONValue {
    /// Reads one JSON text (RFC 8259) and refuses everything else.
    ///
    /// - Parameters:
    ///   - bytes: The text in UTF-8; a byte order mark is refused.
    ///   - maximumDepth: How deep arrays and objects may nest, so that no input can use up the stack.
    ///   - allowsNonFinite: Whether `NaN`, `Infinity` and `-Infinity` are numbers, as Python's writer puts them.
    ///   - refusesRepeatedNames: Whether an object in which a name stands twice is wrong: readers differ in which one they take.
    /// - Throws: ``JSONSyntaxError`` with the offset of the first wrong byte.
    package init(
        parsing bytes: [UInt8],
        maximumDepth: Int = 64,
        allowsNonFinite: Bool = false,
        refusesRepeatedNames: Bool = false
    ) throws(JSONSyntaxError) {
        var parser = JSONParser(bytes: bytes, maximumDepth: maximumDepth, allowsNonFinite: allowsNonFinite)
        parser.refusesRepeatedNames = refusesRepeatedNames
        self = try parser.document()
    }

    /// Reads one JSON text as ``init(parsing:maximumDepth:)`` does.
    package init(parsing text: String, maximumDepth: Int = 64) throws(JSONSyntaxError) {
        try self.init(parsing: Array(text.utf8), maximumDepth: maximumDepth)
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let maximumDepth: Int
    let allowsNonFinite: Bool
    var refusesRepeatedNames = false
    var position = 0

    init(bytes: [UInt8], maximumDepth: Int, allowsNonFinite: Bool) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
        self.allowsNonFinite = allowsNonFinite
    }

    mutating func document() throws(JSONSyntaxError) -> JSONValue {
        let value = try value(depth: 0)
        skipBlanks()
        if position < bytes.count { throw error("unexpected text after the JSON value") }
        return value
    }

    private mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        skipBlanks()
        guard let first = peek else { throw error("unexpected end of JSON") }
        switch first {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "N") where allowsNonFinite: return try literal("NaN", .double(.nan))
        case UInt8(ascii: "I") where allowsNonFinite: return try literal("Infinity", .double(.infinity))
        case UInt8(ascii: "-") where allowsNonFinite && bytes[position...].starts(with: "-I".utf8):
            return try literal("-Infinity", .double(-.infinity))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw error("expected a JSON value")
        }
    }

    private mutating func object(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        try enter(depth)
        var members: [(String, JSONValue)] = []
        skipBlanks()
        if take("}") { return .object([]) }
        while true {
            skipBlanks()
            guard peek == UInt8(ascii: "\"") else { throw error("expected a member name in quotes") }
            let name = try string()
            skipBlanks()
            guard take(":") else { throw error("expected ':' after the member name") }
            members.append((name, try value(depth: depth)))
            skipBlanks()
            if take("}") {
                if refusesRepeatedNames, let name = Self.repeated(members) {
                    var error = error("duplicate name '\(name.prefix(60))' in an object")
                    error.isRepeatedName = true
                    throw error
                }
                return .object(members)
            }
            guard take(",") else { throw error("expected ',' or '}'") }
        }
    }

    /// A name that stands twice; few are compared with one another, many by a set.
    private static func repeated(_ members: [(String, JSONValue)]) -> String? {
        guard members.count <= 8 else {
            var seen: Set<ByteText> = []
            return members.first { !seen.insert(ByteText($0.0)).inserted }?.0
        }
        for index in members.indices.dropFirst() {
            for other in 0..<index where ByteText.isSame(members[index].0, members[other].0) { return members[index].0 }
        }
        return nil
    }

    private mutating func array(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        try enter(depth)
        var elements: [JSONValue] = []
        skipBlanks()
        if take("]") { return .array([]) }
        while true {
            elements.append(try value(depth: depth))
            skipBlanks()
            if take("]") { return .array(elements) }
            guard take(",") else { throw error("expected ',' or ']'") }
        }
    }

    private mutating func enter(_ depth: Int) throws(JSONSyntaxError) {
        if depth > maximumDepth { throw error("nested deeper than \(maximumDepth) levels") }
        position += 1
    }

    private mutating func literal(_ word: String, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
        guard bytes[position...].starts(with: word.utf8) else { throw error("expected '\(word)'") }
        position += word.utf8.count
        return value
    }

    private mutating func number() throws(JSONSyntaxError) -> JSONValue {
        let start = position
        _ = take("-")
        if !take("0") {
            guard digits() > 0 else { throw error("expected a digit") }
        }
        var isInteger = true
        if take(".") {
            isInteger = false
            guard digits() > 0 else { throw error("expected a digit after '.'") }
        }
        if take("e") || take("E") {
            isInteger = false
            if !take("+") { _ = take("-") }
            guard digits() > 0 else { throw error("expected a digit in the exponent") }
        }
        if let quick = quickNumber(start..<position) { return quick }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let integer = Int(text), text != "-0" { return .int(integer) }
        // An overflow reads as infinity and an underflow as zero, as Python's reader does.
        return .double(Double(text) ?? (text.hasPrefix("-") ? -.infinity : .infinity))
    }

    /// The powers of ten that a double holds exactly.
    private static let powers: [Double] = (0...22).map { power in (0..<power).reduce(1.0) { value, _ in value * 10 } }

    /// A number without an exponent whose digits a double holds exactly, so that one division rounds it right (Clinger's fast
    /// path); nil for all others.
    private func quickNumber(_ range: Range<Int>) -> JSONValue? {
        guard range.count <= 18 else { return nil }
        let isNegative = bytes[range.lowerBound] == UInt8(ascii: "-")
        var (mantissa, scale, hasPoint) = (0, 0, false)
        var place = range.lowerBound + (isNegative ? 1 : 0)
        while place < range.upperBound {
            let byte = bytes[place]
            place += 1
            if byte == UInt8(ascii: ".") {
                hasPoint = true
            } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                mantissa = mantissa * 10 + Int(byte - UInt8(ascii: "0"))
                if hasPoint { scale += 1 }
            } else {
                return nil
            }
        }
        if !hasPoint, mantissa > 0 || !isNegative { return .int(isNegative ? -mantissa : mantissa) }
        guard hasPoint, mantissa < 1 << 53 else { return nil }
        let value = Double(mantissa) / Self.powers[scale]
        return .double(isNegative ? -value : value)
    }

    private mutating func digits() -> Int {
        let start = position
        while let byte = peek, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        return position - start
    }

    private mutating func string() throws(JSONSyntaxError) -> String {
        position += 1
        let start = position
        while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
        if peek == UInt8(ascii: "\"") {
            let text = bytes.withUnsafeBufferPointer { bytes in
                String(validating: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
            }
            guard let text else {
                position += 1
                throw error("invalid UTF-8")
            }
            position += 1
            return text
        }
        var content = Array(bytes[start..<position])
        while true {
            guard let byte = peek else { throw error("unterminated string") }
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else { throw error("invalid UTF-8") }
                return text
            case UInt8(ascii: "\\"): content.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20: throw error("unescaped control character in a string")
            default: content.append(byte)
            }
        }
    }

    private mutating func escape() throws(JSONSyntaxError) -> Unicode.Scalar {
        guard let byte = peek else { throw error("unterminated string") }
        position += 1
        switch byte {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw error("unknown escape in a string")
        }
    }

    private mutating func unicodeEscape() throws(JSONSyntaxError) -> Unicode.Scalar {
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, take("\\"), take("u") else { throw error("incomplete surrogate pair") }
        let second = try hexadecimal()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw error("incomplete surrogate pair") }
        return scalar
    }

    private mutating func hexadecimal() throws(JSONSyntaxError) -> UInt32 {
        guard position + 4 <= bytes.count,
            let value = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16),
            peek != UInt8(ascii: "+")
        else { throw error("expected four hexadecimal digits") }
        position += 4
        return value
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipBlanks() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private func error(_ message: String) -> JSONSyntaxError { JSONSyntaxError(message: message, offset: position) }
}
