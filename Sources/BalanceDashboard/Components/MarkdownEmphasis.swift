/// Matches the marks of emphasis, strong emphasis and strikethrough of one text.
///
/// This is CommonMark's "process emphasis": each mark that finds no partner leaves a floor for those of its sort, so
/// that the time is linear.
struct MarkdownEmphasis {
    enum Tag {
        case emphasis, strong, strikethrough
    }

    /// Marks of one sort that stand together.
    struct Run {
        let mark: UInt8
        let length: Int
        let canOpen: Bool
        let canClose: Bool
        /// The marks that are left as text.
        var left: Int
        /// The tags that end before the marks that are left, and those that begin after them, the innermost first.
        var closed: [Tag] = []
        var opened: [Tag] = []
        fileprivate var previous: Int?
        fileprivate var next: Int?
    }

    private(set) var runs: [Run] = []
    /// The last run that may still find a partner.
    private var last: Int?

    /// Notes a run and answers its place.
    mutating func add(_ text: [UInt8], _ range: Range<Int>) -> Int {
        let mark = text[range.lowerBound]
        let (before, after) = (
            MarkdownNeighbour(text, before: range.lowerBound), MarkdownNeighbour(text, at: range.upperBound)
        )
        let isLeft = after.isInside(besides: before)
        let isRight = before.isInside(besides: after)
        // Underscores inside words are part of names.
        let isWord = mark == UInt8(ascii: "_") && isLeft && isRight
        let canOpen = isLeft && (!isWord || before == .punctuation)
        let canClose = isRight && (!isWord || after == .punctuation)
        var run = Run(mark: mark, length: range.count, canOpen: canOpen, canClose: canClose, left: range.count)
        let index = runs.count
        if canOpen || canClose {
            run.previous = last
            if let last { runs[last].next = index }
            last = index
        }
        runs.append(run)
        return index
    }

    /// Matches the runs from a place on, none of which can find a partner later.
    mutating func match(from bottom: Int) {
        var floors: [Int: Int] = [:]
        var first: Int?
        var walk = last
        while let run = walk, run >= bottom {
            first = run
            walk = runs[run].previous
        }
        var closer = first
        while let index = closer {
            guard runs[index].canClose else {
                closer = runs[index].next
                continue
            }
            let key = Self.key(runs[index])
            if let opener = opener(of: index, from: max(bottom, floors[key] ?? 0)) {
                pair(opener, index)
                if runs[index].left == 0 { closer = runs[index].next }
            } else {
                floors[key] = index
                closer = runs[index].next
                if !runs[index].canOpen { remove(index) }
            }
        }
        last = walk
        if let walk { runs[walk].next = nil }
    }

    /// Runs that differ in this find different partners.
    private static func key(_ run: Run) -> Int {
        Int(run.mark) * 8 + (run.canOpen ? 4 : 0) + (run.mark == UInt8(ascii: "~") ? run.length : run.length % 3)
    }

    private func opener(of closer: Int, from floor: Int) -> Int? {
        var walk = runs[closer].previous
        while let index = walk, index >= floor {
            if fits(runs[index], runs[closer]) { return index }
            walk = runs[index].previous
        }
        return nil
    }

    private func fits(_ opener: Run, _ closer: Run) -> Bool {
        guard opener.canOpen, opener.mark == closer.mark else { return false }
        if opener.mark == UInt8(ascii: "~") { return opener.length == closer.length }
        let isBoth = opener.canClose || closer.canOpen
        return !isBoth || (opener.length + closer.length) % 3 != 0 || opener.length % 3 == 0
    }

    private mutating func pair(_ opener: Int, _ closer: Int) {
        let isTilde = runs[opener].mark == UInt8(ascii: "~")
        let count = isTilde ? runs[opener].left : min(runs[opener].left, runs[closer].left, 2)
        let tag: Tag = isTilde ? .strikethrough : count == 2 ? .strong : .emphasis
        runs[opener].opened.append(tag)
        runs[closer].closed.append(tag)
        runs[opener].left -= count
        runs[closer].left -= count
        // What lies between them finds no partner outside.
        runs[opener].next = closer
        runs[closer].previous = opener
        if runs[opener].left == 0 { remove(opener) }
        if runs[closer].left == 0 { remove(closer) }
    }

    private mutating func remove(_ index: Int) {
        let (previous, next) = (runs[index].previous, runs[index].next)
        if let previous { runs[previous].next = next }
        if let next { runs[next].previous = previous }
        if last == index { last = previous }
    }
}

/// What stands beside a run of marks.
enum MarkdownNeighbour {
    case blank, punctuation, letter
    /// A letter of a script that parts words by no blanks or hangs particles on them.
    case ideograph

    init(_ text: [UInt8], before place: Int) {
        var start = place - 1
        while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
        self.init(text[max(start, 0)..<place])
    }

    init(_ text: [UInt8], at place: Int) {
        var end = min(place + 1, text.count)
        while end < text.count, text[end] & 0xC0 == 0x80 { end += 1 }
        self.init(text[place..<end])
    }

    private init(_ bytes: ArraySlice<UInt8>) {
        guard let first = bytes.first else {
            self = .blank
            return
        }
        guard first >= 0x80, let scalar = String(decoding: bytes, as: UTF8.self).unicodeScalars.first else {
            self = first <= 0x20 ? .blank : first.isMarkdownPunctuation ? .punctuation : .letter
            return
        }
        switch scalar.properties.generalCategory {
        case .spaceSeparator: self = .blank
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol:
            self = .punctuation
        default: self = Self.isIdeograph(scalar) ? .ideograph : .letter
        }
    }

    /// Korean, Chinese and Japanese.
    private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x11FF, 0x3040...0x30FF, 0x3130...0x318F, 0x3400...0x9FFF, 0xAC00...0xD7FF, 0x20000...0x3FFFF:
            true
        default: false
        }
    }

    /// Whether marks between this and the other side belong to this side.
    ///
    /// CommonMark asks for a blank or punctuation beside punctuation; a Korean particle after `**"word"**` will do too.
    func isInside(besides other: MarkdownNeighbour) -> Bool {
        switch self {
        case .blank: false
        case .punctuation: other != .letter
        case .letter, .ideograph: true
        }
    }
}
