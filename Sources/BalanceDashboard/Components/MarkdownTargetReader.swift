/// Reads destinations, titles and definitions of links; what it does not take leaves its position where it was.
struct MarkdownTargetReader {
    private let text: [UInt8]
    private(set) var position: Int

    /// The longest destination, so that each bracket of a text costs little.
    private static let maximumDestination = 4096

    init(_ text: [UInt8], at position: Int = 0) {
        self.text = text
        self.position = position
    }

    private var next: UInt8? { position < text.count ? text[position] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// What stands in parentheses after a link's text.
    mutating func inlineTarget() -> MarkdownLinks.Target? {
        let start = position
        if take("(") {
            skipSpace()
            if let destination = destination() {
                let hasSpace = skipSpace()
                let title = hasSpace ? title() ?? [] : []
                skipSpace()
                if take(")") { return MarkdownLinks.Target(destination: destination, title: title) }
            }
        }
        position = start
        return nil
    }

    /// A definition with its label, up to the end of its line.
    mutating func definition() -> (ArraySlice<UInt8>, MarkdownLinks.Target)? {
        let start = position
        if let label = label(), take(":") {
            skipSpace()
            if let destination = destination(), !destination.isEmpty {
                let target = MarkdownLinks.Target(destination: destination)
                let bare = endLine()
                let end = position
                if bare == nil || bare == true || next?.isBlank ?? false { skipSpace() }
                if let title = title(), endLine() != nil {
                    return (label, MarkdownLinks.Target(destination: destination, title: title))
                }
                position = end
                if bare != nil { return (label, target) }
            }
        }
        position = start
        return nil
    }

    /// A label in brackets; another bracket in it ends the search, so that the time stays linear.
    mutating func label() -> ArraySlice<UInt8>? {
        let start = position
        guard take("[") else { return nil }
        while let byte = next, position - start < 1000 {
            if byte == UInt8(ascii: "]") {
                let label = text[start + 1..<position]
                guard label.contains(where: { !$0.isBlank && $0 != 0x0A }) else { break }
                position += 1
                return label
            }
            if byte == UInt8(ascii: "[") { break }
            position = min(position + (byte == UInt8(ascii: "\\") ? 2 : 1), text.count)
        }
        position = start
        return nil
    }

    private mutating func destination() -> [UInt8]? {
        let start = position
        let limit = min(text.count, start + Self.maximumDestination)
        if take("<") {
            while position < limit, let byte = next, byte != 0x0A, byte != UInt8(ascii: "<") {
                if take(">") { return MarkdownEscape.plain(text[start + 1..<position - 1]) }
                position = min(position + (byte == UInt8(ascii: "\\") ? 2 : 1), text.count)
            }
            return nil
        }
        var depth = 0
        while position < limit, let byte = next, byte > 0x20, byte != 0x7F {
            if byte == UInt8(ascii: "(") {
                depth += 1
                // The limit keeps the time linear: each bracket's search begins with a parenthesis.
                if depth > 32 { return nil }
            } else if byte == UInt8(ascii: ")") {
                if depth == 0 { break }
                depth -= 1
            }
            let isEscape =
                byte == UInt8(ascii: "\\") && position + 1 < limit && text[position + 1].isMarkdownPunctuation
            position += isEscape ? 2 : 1
        }
        return depth == 0 && position < limit || position == text.count
            ? MarkdownEscape.plain(text[start..<position]) : nil
    }

    private mutating func title() -> [UInt8]? {
        let start = position
        guard let open = next, "\"'(".utf8.contains(open) else { return nil }
        let close = open == UInt8(ascii: "(") ? UInt8(ascii: ")") : open
        position += 1
        while let byte = next {
            if byte == close {
                position += 1
                return MarkdownEscape.plain(text[start + 1..<position - 1])
            }
            if byte == open { break }
            position = min(position + (byte == UInt8(ascii: "\\") ? 2 : 1), text.count)
        }
        position = start
        return nil
    }

    /// Passes over blanks and line feeds, and answers whether there were any.
    @discardableResult
    private mutating func skipSpace() -> Bool {
        let start = position
        while let byte = next, byte.isBlank || byte == 0x0A { position += 1 }
        return position > start
    }

    /// Passes over blanks and the end of the line; nil where something else follows.
    private mutating func endLine() -> Bool? {
        let start = position
        while next?.isBlank ?? false { position += 1 }
        if next == nil { return true }
        if take("\n") { return true }
        position = start
        return nil
    }
}
