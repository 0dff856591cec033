/// A piece of a filter's text.
struct FilterToken: Equatable {
    enum Kind: Equatable {
        /// A bare word: an identifier, a part of one, or a keyword.
        case word(String)
        /// What stood in backticks, double or single quotes; there are no escapes.
        case quoted(String, quote: Character)
        case number(Double)
        case comparator(String)
        case dot
        case comma
        case open
        case close
    }

    var kind: Kind
    var offset: Int
    /// Whether white space stands before it.
    var isSpaced: Bool

    /// The keyword that a bare word is, in upper case.
    var keyword: String? {
        if case .word(let text) = kind { text.uppercased() } else { nil }
    }
}

/// Cuts a filter into tokens.
struct FilterLexer {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    static func tokens(_ text: String) throws(FilterError) -> [FilterToken] {
        var lexer = FilterLexer(text)
        var tokens: [FilterToken] = []
        while let token = try lexer.next() { tokens.append(token) }
        return tokens
    }

    private mutating func next() throws(FilterError) -> FilterToken? {
        let before = position
        while let byte = peek, byte == 0x20 || (0x09...0x0D).contains(byte) { position += 1 }
        guard let byte = peek else { return nil }
        let start = position
        let kind = try kind(byte)
        return FilterToken(kind: kind, offset: start, isSpaced: start > before)
    }

    private mutating func kind(_ byte: UInt8) throws(FilterError) -> FilterToken.Kind {
        switch byte {
        case UInt8(ascii: "("): return single(.open)
        case UInt8(ascii: ")"): return single(.close)
        case UInt8(ascii: ","): return single(.comma)
        case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"): return try quoted(byte)
        case UInt8(ascii: "="), UInt8(ascii: "!"), UInt8(ascii: "<"), UInt8(ascii: ">"): return try comparator()
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"): return try number()
        case UInt8(ascii: "."):
            if let after = peek(1), (0x30...0x39).contains(after) { return try number() }
            return single(.dot)
        case UInt8(ascii: "_"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), 0x80...:
            return word()
        default: throw FilterError("unexpected character", at: position)
        }
    }

    private mutating func single(_ kind: FilterToken.Kind) -> FilterToken.Kind {
        position += 1
        return kind
    }

    private mutating func quoted(_ quote: UInt8) throws(FilterError) -> FilterToken.Kind {
        let start = position + 1
        var end = start
        // Two quotes in a row are a part of the text, as two; only a single one ends it.
        while end < bytes.count {
            let isDoubled = end + 1 < bytes.count && bytes[end + 1] == quote && quote != UInt8(ascii: "`")
            if bytes[end] == quote, !isDoubled { break }
            end += bytes[end] == quote ? 2 : 1
        }
        guard end < bytes.count else { throw FilterError("unterminated quote", at: position) }
        position = end + 1
        let text = String(decoding: bytes[start..<end], as: UTF8.self)
        return .quoted(text, quote: Character(Unicode.Scalar(quote)))
    }

    private mutating func comparator() throws(FilterError) -> FilterToken.Kind {
        let start = position
        while let byte = peek, "=!<>".utf8.contains(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard ["=", "!=", "<", "<=", ">", ">="].contains(text) else {
            throw FilterError("invalid comparator '\(text)'", at: start)
        }
        return .comparator(text)
    }

    private mutating func number() throws(FilterError) -> FilterToken.Kind {
        let start = position
        position += 1
        while let byte = peek, isWordByte(byte) || byte == UInt8(ascii: ".") || isSign(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        let isPlain = text.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }
        guard isPlain, let number = Double(text), number.isFinite else {
            throw FilterError("invalid number '\(text)'", at: start)
        }
        return .number(number)
    }

    /// A sign belongs to a number only behind its exponent's mark.
    private func isSign(_ byte: UInt8) -> Bool {
        guard byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") else { return false }
        let before = bytes[position - 1]
        return before == UInt8(ascii: "e") || before == UInt8(ascii: "E")
    }

    private mutating func word() -> FilterToken.Kind {
        let start = position
        while let byte = peek, isWordByte(byte) { position += 1 }
        return .word(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private func isWordByte(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
            || (0x61...0x7A).contains(byte)
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func peek(_ distance: Int) -> UInt8? {
        position + distance < bytes.count ? bytes[position + distance] : nil
    }
}
