/// Reads the blocks of a Markdown text line by line, as the first phase of CommonMark's parsing strategy does.
///
/// Each line walks the containers that are open, at most ``maximumDepth``, so the time is linear in the text.
struct MarkdownBlocks {
    struct Block {
        var kind: Kind
        var children: [Int] = []
        /// The lines of a leaf.
        var text: [UInt8] = []
    }

    enum Kind {
        case document, quote, paragraph, rule
        case list(MarkdownMarker, isTight: Bool)
        case item(indent: Int)
        case heading(Int)
        case code(MarkdownFence?)
        case table([MarkdownTable.Alignment])
    }

    /// How many containers may be open, of which a list takes two; deeper markers are text.
    static let maximumDepth = 32

    private(set) var blocks = [Block(kind: .document)]
    private let links: MarkdownLinks
    /// The containers that are open, the document first.
    private var open = [0]
    private var leaf: Int?
    private var wasBlank = false

    init(_ bytes: [UInt8], _ links: MarkdownLinks) {
        self.links = links
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            add(MarkdownLine(bytes, start..<end))
            start = end + 1
        }
        closeLeaf()
    }

    private mutating func add(_ start: MarkdownLine) {
        var line = start
        var matched = matchContainers(&line)
        if matched == open.count, continueCode(&line) { return }
        var hasStarted = false
        while !line.isBlank, let indent = startContainer(line, matched, hasStarted) {
            line.skip(marker: indent.marker)
            line.skip(columns: indent.blanks)
            matched = open.count
            hasStarted = true
        }
        if line.isBlank {
            addBlank(matched, hasStarted)
        } else {
            if !addLeaf(line, matched, hasStarted) { addText(line, matched) }
            wasBlank = false
        }
    }

    /// Passes over the markers of the open containers and answers how many of them go on.
    private func matchContainers(_ line: inout MarkdownLine) -> Int {
        for (index, container) in open.enumerated() {
            switch blocks[container].kind {
            case .quote:
                guard line.indent < 4, line.text.first == UInt8(ascii: ">") else { return index }
                line.skip(marker: 1)
                line.skip(columns: 1)
            case .item(let indent):
                if line.isBlank ? blocks[container].children.isEmpty : line.indent < indent { return index }
                line.skip(columns: indent)
            default: continue
            }
        }
        return open.count
    }

    /// Whether the line belongs to the open code block.
    private mutating func continueCode(_ line: inout MarkdownLine) -> Bool {
        guard let leaf, case .code(let fence) = blocks[leaf].kind else { return false }
        if let fence {
            wasBlank = false
            if fence.isClosed(by: line) {
                closeLeaf()
                return true
            }
        } else if !line.isBlank, line.indent < 4 {
            closeLeaf()
            return false
        } else {
            wasBlank = line.isBlank
        }
        line.skip(columns: fence?.indent ?? 4)
        blocks[leaf].text += line.content + [0x0A]
        return true
    }

    /// Opens a quote or an item that starts here and answers the bytes of its marker and the blanks after it.
    private mutating func startContainer(
        _ line: MarkdownLine,
        _ matched: Int,
        _ hasStarted: Bool
    ) -> (marker: Int, blanks: Int)? {
        guard line.indent < 4, matched + 1 < Self.maximumDepth else { return nil }
        if line.text.first == UInt8(ascii: ">") {
            closeContainers(to: matched)
            begin(.quote)
            return (1, 1)
        }
        guard let marker = MarkdownMarker(line.text), !Self.isRule(line.text) else { return nil }
        if matched == open.count, isIn(.paragraph), !marker.interrupts { return nil }
        var rest = line
        rest.skip(marker: marker.width)
        let blanks = rest.isBlank || rest.indent > 4 ? 1 : rest.indent
        closeContainers(to: matched)
        if case .list(let other, _)? = open.last.map({ blocks[$0].kind }), other.byte == marker.byte {
            closeLeaf()
        } else {
            begin(.list(marker, isTight: true))
        }
        begin(.item(indent: line.indent + marker.width + blanks))
        return (marker.width, blanks)
    }
}

extension MarkdownBlocks {
    /// Adds a block that is one line, or the first line of code; false where the line is plain text.
    private mutating func addLeaf(_ line: MarkdownLine, _ matched: Int, _ hasStarted: Bool) -> Bool {
        guard line.indent < 4 else {
            if isIn(.paragraph) { return false }
            closeContainers(to: matched)
            var line = line
            line.skip(columns: 4)
            begin(.code(nil))
            append(line.content + [0x0A])
            return true
        }
        if matched == open.count, !hasStarted, isIn(.paragraph), endParagraph(line.text) { return true }
        if let heading = Self.heading(line.text) {
            closeContainers(to: matched)
            begin(.heading(heading.level))
            append(heading.text)
            closeLeaf()
        } else if let fence = MarkdownFence(line) {
            closeContainers(to: matched)
            begin(.code(fence))
        } else if Self.isRule(line.text) {
            closeContainers(to: matched)
            begin(.rule)
            closeLeaf()
        } else {
            return false
        }
        return true
    }

    /// Makes the open paragraph a heading or the header of a table, where its next line says so.
    private mutating func endParagraph(_ text: ArraySlice<UInt8>) -> Bool {
        guard let leaf, let first = text.first else { return false }
        let isUnderline = first == UInt8(ascii: "=") || first == UInt8(ascii: "-")
        if isUnderline, text.drop(while: { $0 == first }).allSatisfy(\.isBlank) {
            links.takeDefinitions(&blocks[leaf].text)
            guard !blocks[leaf].text.isEmpty else { return false }
            blocks[leaf].kind = .heading(first == UInt8(ascii: "=") ? 1 : 2)
            self.leaf = nil
            return true
        }
        guard let alignments = MarkdownTable.alignments(text) else { return false }
        let paragraph = blocks[leaf].text
        let start = paragraph.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        guard MarkdownTable.cells(paragraph[start...]).count == alignments.count else { return false }
        blocks[leaf].text.removeLast(paragraph.count - max(start - 1, 0))
        begin(.table(alignments))
        append(paragraph[start...])
        return true
    }

    private mutating func addText(_ line: MarkdownLine, _ matched: Int) {
        // A line that a marker is missing from goes on with the paragraph all the same.
        if isIn(.paragraph) || matched == open.count && isIn(.table([])) {
            append([0x0A] + line.text)
        } else {
            closeContainers(to: matched)
            begin(.paragraph)
            append(line.text)
        }
    }

    private mutating func addBlank(_ matched: Int, _ hasStarted: Bool) {
        closeContainers(to: matched)
        if !hasStarted { closeLeaf() }
        if case .quote? = open.last.map({ blocks[$0].kind }) { wasBlank = false } else { wasBlank = !hasStarted }
    }

    private mutating func append(_ text: some Sequence<UInt8>) {
        if let leaf { blocks[leaf].text.append(contentsOf: text) }
    }

    /// Whether the open leaf is of the same sort.
    private func isIn(_ kind: Kind) -> Bool {
        switch (kind, leaf.map { blocks[$0].kind }) {
        case (.paragraph, .paragraph?), (.table, .table?): true
        default: false
        }
    }

    private mutating func begin(_ kind: Kind) {
        closeLeaf()
        if case .list? = open.last.map({ blocks[$0].kind }) {
            if case .item = kind {} else { open.removeLast() }
        }
        let parent = open.last ?? 0
        if wasBlank, !blocks[parent].children.isEmpty { loosen(parent) }
        let index = blocks.count
        blocks.append(Block(kind: kind))
        blocks[parent].children.append(index)
        switch kind {
        case .quote, .list, .item: open.append(index)
        default: leaf = index
        }
    }

    /// Notes that a blank line parts the children of a list, or of one of its items.
    private mutating func loosen(_ parent: Int) {
        var list = parent
        if case .item = blocks[parent].kind, open.count > 1 { list = open[open.count - 2] }
        if case .list(let marker, _) = blocks[list].kind { blocks[list].kind = .list(marker, isTight: false) }
    }

    private mutating func closeContainers(to count: Int) {
        guard count < open.count else { return }
        closeLeaf()
        open.removeLast(open.count - count)
    }

    private mutating func closeLeaf() {
        guard let leaf else { return }
        self.leaf = nil
        switch blocks[leaf].kind {
        case .paragraph: links.takeDefinitions(&blocks[leaf].text)
        case .code(nil):
            let text = blocks[leaf].text
            let end = text.lastIndex { !$0.isBlank && $0 != 0x0A } ?? -1
            // Each line ends in a line feed; the blank lines after the last one are no code.
            blocks[leaf].text = Array(text.prefix((text.dropFirst(end + 1).firstIndex(of: 0x0A) ?? end) + 1))
        default: break
        }
    }

    private static func isRule(_ text: ArraySlice<UInt8>) -> Bool {
        guard let first = text.first, "-*_".utf8.contains(first) else { return false }
        var count = 0
        for byte in text where !byte.isBlank {
            guard byte == first else { return false }
            count += 1
        }
        return count >= 3
    }

    private static func heading(_ text: ArraySlice<UInt8>) -> (level: Int, text: ArraySlice<UInt8>)? {
        let mark = UInt8(ascii: "#")
        let level = text.prefix(7).prefix { $0 == mark }.count
        guard (1...6).contains(level), text.dropFirst(level).first?.isBlank ?? true else { return nil }
        let content = text.dropFirst(level).trimmed
        let open = content[..<(content.lastIndex { $0 != mark }.map { $0 + 1 } ?? content.startIndex)]
        return (level, open.last?.isBlank ?? true ? open.trimmed : content)
    }
}
