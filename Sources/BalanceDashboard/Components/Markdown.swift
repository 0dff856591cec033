/// Renders the CommonMark that people write in notes and descriptions, with GFM's tables, task lists and strikethrough.
///
/// The text is not trusted: HTML in it is shown as text, links lead only where ``MarkdownLinks`` allows, and every byte
/// of it is escaped. The time is linear in the text, and nothing in it decides how deep the stack goes.
enum Markdown {
    /// The text as HTML; `image` names the URL of an image by its relative path, or nil where its description is shown.
    static func html(_ text: String, image: (String) -> String?) -> String {
        withoutActuallyEscaping(image) { image in
            let bytes = lines(text)
            let links = MarkdownLinks(length: bytes.count, image: image)
            var renderer = MarkdownRenderer(blocks: MarkdownBlocks(bytes, links).blocks, links: links)
            renderer.children(of: 0)
            return renderer.writer.html
        }
    }

    /// The text with line feeds only, and without NUL, which no browser takes.
    private static func lines(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var isAfterReturn = false
        for byte in text.utf8 {
            switch byte {
            case 0x0D: bytes.append(0x0A)
            case 0x0A where isAfterReturn: break
            case 0: bytes.append(contentsOf: "\u{FFFD}".utf8)
            default: bytes.append(byte)
            }
            isAfterReturn = byte == 0x0D
        }
        return bytes
    }
}

/// Writes blocks as HTML; it calls itself once a container, and ``MarkdownBlocks/maximumDepth`` bounds these.
private struct MarkdownRenderer {
    let blocks: [MarkdownBlocks.Block]
    let links: MarkdownLinks
    var writer = HTMLWriter()

    mutating func children(of index: Int) {
        for child in blocks[index].children { block(blocks[child], child) }
    }

    private mutating func block(_ block: MarkdownBlocks.Block, _ index: Int) {
        switch block.kind {
        case .document: children(of: index)
        case .quote:
            writer.markup("<blockquote>\n")
            children(of: index)
            writer.markup("</blockquote>\n")
        case .list(let marker, let isTight): list(block, marker, isTight)
        case .item: item(block, isTight: false)
        case .paragraph:
            guard !block.text.isEmpty else { return }
            writer.markup("<p>")
            inlines(block.text)
            writer.markup("</p>\n")
        case .heading(let level): heading(block.text, level)
        case .rule: writer.markup("<hr>\n")
        case .code:
            writer.markup("<pre><code>")
            writer.text(block.text)
            writer.markup("</code></pre>\n")
        case .table(let alignments): table(block.text, alignments)
        }
    }

    private mutating func inlines(_ text: [UInt8]) {
        MarkdownInlines.write(text, links, to: &writer)
    }

    private mutating func heading(_ text: [UInt8], _ level: Int) {
        writer.markup("<h")
        writer.number(level)
        writer.markup(">")
        inlines(text)
        writer.markup("</h")
        writer.number(level)
        writer.markup(">\n")
    }

    private mutating func list(_ list: MarkdownBlocks.Block, _ marker: MarkdownMarker, _ isTight: Bool) {
        if let number = marker.number {
            writer.markup("<ol start=\"")
            writer.number(number)
            writer.markup("\">\n")
        } else {
            writer.markup("<ul>\n")
        }
        for child in list.children { item(blocks[child], isTight: isTight) }
        writer.markup(marker.number == nil ? "</ul>\n" : "</ol>\n")
    }

    private mutating func item(_ item: MarkdownBlocks.Block, isTight: Bool) {
        var first = item.children.first.map { blocks[$0] }
        let box = Self.takeBox(&first)
        writer.markup(box == nil ? "<li>" : "<li class=\"task\">")
        for (place, child) in item.children.enumerated() {
            var block = blocks[child]
            if place == 0, let first { block = first }
            if place == 0, let box {
                writer.markup(
                    box ? "<input type=\"checkbox\" checked disabled> " : "<input type=\"checkbox\" disabled> "
                )
            }
            if isTight, case .paragraph = block.kind {
                inlines(block.text)
                if place + 1 < item.children.count { writer.markup("\n") }
            } else {
                self.block(block, child)
            }
        }
        writer.markup("</li>\n")
    }

    /// Whether a task is done, and nil where the item is none; the paragraph loses its box.
    private static func takeBox(_ block: inout MarkdownBlocks.Block?) -> Bool? {
        guard case .paragraph? = block?.kind, let text = block?.text, text.count > 4 else { return nil }
        guard text[0] == UInt8(ascii: "["), text[2] == UInt8(ascii: "]"), text[3].isBlank else { return nil }
        guard text[1] == 0x20 || text[1].lowercased == UInt8(ascii: "x") else { return nil }
        block?.text.removeFirst(4)
        return text[1] != 0x20
    }

    private mutating func table(_ text: [UInt8], _ alignments: [MarkdownTable.Alignment]) {
        writer.markup("<table>\n<thead>\n")
        for (index, line) in text.split(separator: 0x0A).enumerated() {
            if index == 1 { writer.markup("</thead>\n<tbody>\n") }
            row(MarkdownTable.cells(line), alignments, isHeader: index == 0)
        }
        let hasBody = text.contains(0x0A)
        writer.markup(hasBody ? "</tbody>\n</table>\n" : "</thead>\n</table>\n")
    }

    private mutating func row(_ cells: [[UInt8]], _ alignments: [MarkdownTable.Alignment], isHeader: Bool) {
        writer.markup("<tr>")
        for (cell, alignment) in zip(cells, alignments) {
            writer.markup(isHeader ? "<th" : "<td")
            switch alignment {
            case .none: writer.markup(">")
            case .left: writer.markup(" align=\"left\">")
            case .right: writer.markup(" align=\"right\">")
            case .center: writer.markup(" align=\"center\">")
            }
            inlines(cell)
            writer.markup(isHeader ? "</th>" : "</td>")
        }
        // One cell for all that are missing: a wide header must not make each short row as long.
        let missing = alignments.count - cells.count
        if missing > 0 {
            writer.markup("<td colspan=\"")
            writer.number(missing)
            writer.markup("\"></td>")
        }
        writer.markup("</tr>\n")
    }
}
