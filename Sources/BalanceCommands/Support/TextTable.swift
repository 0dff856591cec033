import Foundation

/// Rows of text in columns, for a terminal or a pipe.
enum TextTable {
    private static let gap = 2
    /// No column gets narrower than this.
    private static let least = 8

    /// The rows as lines; on a terminal long cells are cut so that a line fits, for a pipe they stay whole.
    static func lines(_ rows: [[String]], width: Int? = Terminal.width) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        var widths = (0..<columns).map { column in
            rows.map { column < $0.count ? Terminal.width(of: $0[column]) : 0 }.max() ?? 0
        }
        if let width { shrink(&widths, to: width - gap * max(columns - 1, 0)) }
        return rows.map { row in
            zip(row, widths).map { cell, width in
                let text = Terminal.cut(cell, to: width)
                return text + String(repeating: " ", count: max(width - Terminal.width(of: text), 0))
            }.joined(separator: String(repeating: " ", count: gap)).trimmingTrailingSpaces()
        }
    }

    /// Takes from the widest column; from the first, which names the row, only where nothing else is left.
    private static func shrink(_ widths: inout [Int], to total: Int) {
        while widths.reduce(0, +) > total {
            let others = widths.indices.dropFirst().filter { widths[$0] > least }
            let widest = others.max { widths[$0] < widths[$1] } ?? 0
            guard widths[widest] > least else { return }
            widths[widest] -= 1
        }
    }
}

extension String {
    fileprivate func trimmingTrailingSpaces() -> String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
