/// Reads the text of one block: emphasis, code, links, images and breaks.
///
/// It makes a flat list of pieces and never calls itself, as the second phase of CommonMark's parsing strategy allows.
struct MarkdownInlines {
    /// What the text is made of, in its order.
    enum Piece {
        case text(Range<Int>)
        case character([UInt8])
        case code(Range<Int>)
        case softBreak, hardBreak
        /// A run of marks of emphasis, by its place in the list of runs.
        case run(Int)
        case link(MarkdownLinks.Target), linkEnd
        /// An image by its URL; nil where its description stands for it.
        case image(String?, title: [UInt8]), imageEnd
    }

    /// A bracket that may start the text of a link or an image.
    private struct Bracket {
        var piece: Int
        /// Where the text after it begins.
        var start: Int
        var isImage: Bool
        /// The number of runs before it.
        var runs: Int
        /// Whether another bracket follows: no label holds one.
        var hasBracket = false
    }

    private let text: [UInt8]
    private let links: MarkdownLinks
    private var position = 0
    /// Where the plain text begins that is not yet a piece.
    private var pending = 0
    private(set) var pieces: [Piece] = []
    private(set) var emphasis = MarkdownEmphasis()
    private var brackets: [Bracket] = []
    /// Brackets below this one lie around a link and can start none.
    private var linkFloor = 0
    /// The last place of a run of backticks of each length: a run that nothing closes costs no search.
    private lazy var backticks = Self.backticks(text)

    static func write(_ text: [UInt8], _ links: MarkdownLinks, to writer: inout HTMLWriter) {
        var inlines = MarkdownInlines(text, links)
        inlines.read()
        var output = MarkdownInlineWriter(text: text, runs: inlines.emphasis.runs)
        output.write(inlines.pieces, to: &writer)
    }

    private init(_ text: [UInt8], _ links: MarkdownLinks) {
        self.text = text
        self.links = links
    }

    private mutating func read() {
        while position < text.count {
            switch text[position] {
            case 0x0A: lineBreak()
            case UInt8(ascii: "\\"): backslash()
            case UInt8(ascii: "`"): code()
            case UInt8(ascii: "*"), UInt8(ascii: "_"), UInt8(ascii: "~"): run()
            case UInt8(ascii: "["): open(1)
            case UInt8(ascii: "!") where byte(at: position + 1) == UInt8(ascii: "["): open(2)
            case UInt8(ascii: "]"): close()
            case UInt8(ascii: "<"): autolink()
            case UInt8(ascii: ":"): bareLink()
            case UInt8(ascii: "&"): reference()
            default: position += 1
            }
        }
        flush(to: position)
        emphasis.match(from: 0)
    }

    private func byte(at place: Int) -> UInt8? { text.indices.contains(place) ? text[place] : nil }

    /// Makes the plain text before a place a piece.
    private mutating func flush(to end: Int) {
        if pending < end { pieces.append(.text(pending..<end)) }
        pending = end
    }

    /// Adds a piece for the bytes up to an end.
    private mutating func add(_ piece: Piece, to end: Int) {
        flush(to: position)
        pieces.append(piece)
        (position, pending) = (end, end)
    }

    private mutating func lineBreak() {
        var end = position
        while end > pending, text[end - 1] == 0x20 { end -= 1 }
        let isHard = position - end >= 2
        let next = position + 1
        flush(to: end)
        position = end
        add(isHard ? .hardBreak : .softBreak, to: next)
    }

    private mutating func backslash() {
        if byte(at: position + 1) == 0x0A {
            add(.hardBreak, to: position + 2)
        } else if byte(at: position + 1)?.isMarkdownPunctuation ?? false {
            flush(to: position)
            pending = position + 1
            position += 2
        } else {
            position += 1
        }
    }

    private mutating func code() {
        let count = text[position...].prefix { $0 == UInt8(ascii: "`") }.count
        let start = position + count
        guard let last = backticks[count], last >= start else {
            position = start
            return
        }
        var place = start
        while place < text.count {
            guard text[place] == UInt8(ascii: "`") else {
                place += 1
                continue
            }
            let run = text[place...].prefix { $0 == UInt8(ascii: "`") }.count
            if run == count { return add(.code(start..<place), to: place + run) }
            place += run
        }
        position = start
    }

    private static func backticks(_ text: [UInt8]) -> [Int: Int] {
        var last: [Int: Int] = [:]
        var count = 0
        for (place, byte) in text.enumerated() {
            if byte == UInt8(ascii: "`") {
                count += 1
            } else if count > 0 {
                last[count] = place - count
                count = 0
            }
        }
        if count > 0 { last[count] = text.count - count }
        return last
    }

    private mutating func run() {
        let mark = text[position]
        let count = text[position...].prefix { $0 == mark }.count
        guard mark != UInt8(ascii: "~") || count < 3 else {
            position += count
            return
        }
        add(.run(emphasis.add(text, position..<position + count)), to: position + count)
    }

    private mutating func reference() {
        if let reference = MarkdownEscape.reference(text[position...]) {
            add(.character(reference.text), to: reference.end)
        } else {
            position += 1
        }
    }
}

extension MarkdownInlines {
    /// Notes a bracket, or a bracket after an exclamation mark, of so many bytes.
    private mutating func open(_ width: Int) {
        if !brackets.isEmpty { brackets[brackets.count - 1].hasBracket = true }
        add(.text(position..<position + width), to: position + width)
        let runs = emphasis.runs.count
        brackets.append(Bracket(piece: pieces.count - 1, start: position, isImage: width == 2, runs: runs))
    }

    /// Makes a link or an image of what the last bracket opened, where a target follows that may be shown.
    private mutating func close() {
        guard let bracket = brackets.popLast() else {
            position += 1
            return
        }
        let isInner = brackets.count < linkFloor && !bracket.isImage
        linkFloor = min(linkFloor, brackets.count)
        guard !isInner, let (target, end) = target(bracket) else {
            position += 1
            return
        }
        if bracket.isImage {
            pieces[bracket.piece] = .image(links.source(target.destination), title: target.title)
        } else {
            guard let address = MarkdownLinks.address(target.destination) else {
                position += 1
                return
            }
            pieces[bracket.piece] = .link(MarkdownLinks.Target(destination: address, title: target.title))
            linkFloor = brackets.count
        }
        emphasis.match(from: bracket.runs)
        add(bracket.isImage ? .imageEnd : .linkEnd, to: end)
    }

    /// What the text between a bracket and this place leads to, and where its target ends.
    private func target(_ bracket: Bracket) -> (MarkdownLinks.Target, Int)? {
        var reader = MarkdownTargetReader(text, at: position + 1)
        if let target = reader.inlineTarget() { return (target, reader.position) }
        if let label = reader.label() { return links.target(label: label).map { ($0, reader.position) } }
        guard !bracket.hasBracket else { return nil }
        let isCollapsed = byte(at: position + 1) == UInt8(ascii: "[") && byte(at: position + 2) == UInt8(ascii: "]")
        let end = position + (isCollapsed ? 3 : 1)
        return links.target(label: text[bracket.start..<position]).map { ($0, end) }
    }

    /// A link in angle brackets; HTML in them stays text.
    private mutating func autolink() {
        let start = position + 1
        let end = text[start...].firstIndex { $0 <= 0x20 || $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: ">") }
        guard let end, text[end] == UInt8(ascii: ">") else {
            position += 1
            return
        }
        let content = Array(text[start..<end])
        let hasScheme = content.first { ":/?#".utf8.contains($0) } == UInt8(ascii: ":")
        let isMail = !hasScheme && Self.isMail(content)
        let destination = isMail ? Array("mailto:".utf8) + content : content
        guard hasScheme || isMail, let address = MarkdownLinks.address(destination) else {
            position += 1
            return
        }
        addLink(address, start..<end, end: end + 1)
    }

    private static func isMail(_ text: [UInt8]) -> Bool {
        let parts = text.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty }
            && text.allSatisfy { $0.isLetter || $0.isDigit || "@.-_+".utf8.contains($0) }
    }

    /// A web address without brackets.
    ///
    /// It ends at the first character that is not ASCII: a Korean particle may follow it.
    private mutating func bareLink() {
        let colon = position
        position += 1
        guard text[colon...].starts(with: "://".utf8) else { return }
        let letters = text[pending..<colon].suffix(6).reversed().prefix { $0.isLetter }.reversed().map(\.lowercased)
        guard letters.elementsEqual("http".utf8) || letters.elementsEqual("https".utf8) else { return }
        let start = colon - letters.count
        guard start == 0 || !text[start - 1].isDigit else { return }
        var end = colon + 3
        while end < text.count, text[end] > 0x20, text[end] < 0x7F, !"<>\"`[]*\\".utf8.contains(text[end]) { end += 1 }
        end = Self.withoutPunctuation(text[colon + 3..<end])
        guard end > colon + 3, let address = MarkdownLinks.address(Array(text[start..<end])) else { return }
        position = start
        addLink(address, start..<end, end: end)
    }

    /// The end of an address without the punctuation of the sentence around it.
    private static func withoutPunctuation(_ address: ArraySlice<UInt8>) -> Int {
        let (opened, closed) = (UInt8(ascii: "("), UInt8(ascii: ")"))
        var extra = address.count { $0 == closed } - address.count { $0 == opened }
        var address = address
        while let last = address.last {
            if last == closed, extra > 0 {
                extra -= 1
            } else if !"?!.,:;_~'".utf8.contains(last) {
                break
            }
            address = address.dropLast()
        }
        return address.endIndex
    }

    private mutating func addLink(_ address: [UInt8], _ label: Range<Int>, end: Int) {
        add(.link(MarkdownLinks.Target(destination: address)), to: position)
        pieces.append(.text(label))
        pieces.append(.linkEnd)
        (position, pending) = (end, end)
    }
}
