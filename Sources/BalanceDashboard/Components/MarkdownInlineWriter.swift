/// Writes the pieces of one text as HTML.
struct MarkdownInlineWriter {
    let text: [UInt8]
    let runs: [MarkdownEmphasis.Run]
    /// How many descriptions of images are open: their markup is left out.
    private var images = 0
    /// How many links are open: only the outermost is one.
    private var links = 0
    /// How many tags of emphasis are open: deeper ones change nothing that one sees.
    private var depth = 0
    private var isInTag = false

    private static let maximumDepth = 20

    init(text: [UInt8], runs: [MarkdownEmphasis.Run]) {
        self.text = text
        self.runs = runs
    }

    mutating func write(_ pieces: [MarkdownInlines.Piece], to writer: inout HTMLWriter) {
        for piece in pieces {
            switch piece {
            case .text(let range): writer.text(text[range])
            case .character(let bytes): writer.text(bytes)
            case .code(let range): code(range, to: &writer)
            case .softBreak: writer.markup("\n")
            case .hardBreak: writer.markup(images > 0 ? "\n" : "<br>\n")
            case .run(let index): run(runs[index], to: &writer)
            case .link(let target): openLink(target, to: &writer)
            case .linkEnd:
                links -= 1
                if links == 0, images == 0 { writer.markup("</a>") }
            case .image(let source, let title): openImage(source, title, to: &writer)
            case .imageEnd:
                images -= 1
                if images == 0, isInTag { writer.markup("\">") }
            }
        }
    }

    private mutating func openLink(_ target: MarkdownLinks.Target, to writer: inout HTMLWriter) {
        links += 1
        guard links == 1, images == 0 else { return }
        writer.markup("<a href=\"")
        writer.text(target.destination)
        writeTitle(target.title, to: &writer)
        writer.markup("\" rel=\"noopener noreferrer nofollow\">")
    }

    /// The description follows as the last attribute.
    private mutating func openImage(_ source: String?, _ title: [UInt8], to writer: inout HTMLWriter) {
        images += 1
        guard images == 1 else { return }
        isInTag = source != nil
        guard let source else { return }
        writer.markup("<img src=\"")
        writer.text(source.utf8)
        writeTitle(title, to: &writer)
        writer.markup("\" loading=\"lazy\" alt=\"")
    }

    private func writeTitle(_ title: [UInt8], to writer: inout HTMLWriter) {
        guard !title.isEmpty else { return }
        writer.markup("\" title=\"")
        writer.text(title)
    }

    private func code(_ range: Range<Int>, to writer: inout HTMLWriter) {
        var range = range
        let isPadded = range.count > 2 && [text[range.lowerBound], text[range.upperBound - 1]].allSatisfy(Self.isSpace)
        if isPadded, !text[range].allSatisfy(Self.isSpace) { range = range.lowerBound + 1..<range.upperBound - 1 }
        if images == 0 { writer.markup("<code>") }
        for byte in text[range] { writer.text(byte == 0x0A ? 0x20 : byte) }
        if images == 0 { writer.markup("</code>") }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A }

    private mutating func run(_ run: MarkdownEmphasis.Run, to writer: inout HTMLWriter) {
        for tag in run.closed where images == 0 {
            if depth <= Self.maximumDepth { close(tag, to: &writer) }
            depth -= 1
        }
        writer.text(repeatElement(run.mark, count: run.left))
        for tag in run.opened.reversed() where images == 0 {
            depth += 1
            if depth <= Self.maximumDepth { open(tag, to: &writer) }
        }
    }

    private func open(_ tag: MarkdownEmphasis.Tag, to writer: inout HTMLWriter) {
        switch tag {
        case .emphasis: writer.markup("<em>")
        case .strong: writer.markup("<strong>")
        case .strikethrough: writer.markup("<del>")
        }
    }

    private func close(_ tag: MarkdownEmphasis.Tag, to writer: inout HTMLWriter) {
        switch tag {
        case .emphasis: writer.markup("</em>")
        case .strong: writer.markup("</strong>")
        case .strikethrough: writer.markup("</del>")
        }
    }
}
