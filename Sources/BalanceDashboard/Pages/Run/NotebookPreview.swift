import BalanceCore

/// The cells of a Jupyter notebook as text; pictures and HTML that it keeps are left out.
struct NotebookPreview {
    struct Cell {
        /// As in the file: code, markdown or raw.
        let kind: String
        let isCode, isMarkdown: Bool
        /// The number in brackets beside code that was run.
        let count: Int?
        /// As it is in the file; a page escapes it or renders it as Markdown.
        let source: String
        let lines: [TextPreview.Line]
        let outputs: [Output]
    }

    struct Output {
        let lines: [TextPreview.Line]
        let isError: Bool
    }

    private(set) var cells: [Cell] = []
    private(set) var language: String?
    private(set) var isCut = false
    /// The lines that the page may still show.
    private var left = TextPreview.maximumLines

    init?(_ value: JSONValue) {
        guard value["nbformat"]?.integer != nil, let cells = value["cells"]?.elements else { return nil }
        let metadata = value["metadata"]
        language = metadata?["language_info"]?["name"]?.string ?? metadata?["kernelspec"]?["language"]?.string
        for cell in cells {
            guard left > 0 else {
                isCut = true
                break
            }
            add(cell)
        }
    }

    private mutating func add(_ cell: JSONValue) {
        let kind = cell["cell_type"]?.string ?? "raw"
        let source = Self.text(cell["source"])
        let lines = lines(source)
        let outputs = (cell["outputs"]?.elements ?? []).compactMap { output($0) }
        cells.append(
            Cell(
                kind: ["code", "markdown"].contains(kind) ? kind : "raw",
                isCode: kind == "code",
                isMarkdown: kind == "markdown",
                count: cell["execution_count"]?.integer,
                source: source,
                lines: lines,
                outputs: outputs
            )
        )
    }

    private mutating func output(_ output: JSONValue) -> Output? {
        let isError = output["output_type"]?.string == "error"
        var text = Self.text(output["text"] ?? output["data"]?["text/plain"])
        if isError {
            let trace = (output["traceback"]?.elements ?? []).compactMap(\.string)
            text = trace.isEmpty ? output["evalue"]?.string ?? "" : trace.joined(separator: "\n")
        }
        let lines = lines(text)
        return lines.isEmpty ? nil : Output(lines: lines, isError: isError)
    }

    private mutating func lines(_ text: String) -> [TextPreview.Line] {
        let preview = TextPreview(text, maximum: left)
        isCut = isCut || preview.isCut
        // An empty cell takes room as well.
        left = max(left - max(preview.lines.count, 1), 0)
        return preview.lines
    }

    /// A text that stands as one string or as its lines.
    private static func text(_ value: JSONValue?) -> String {
        value?.string ?? (value?.elements ?? []).compactMap(\.string).joined()
    }
}
