import BalanceCore

extension ArtifactPreview {
    /// What a file holds: its bytes decide, and its name where bytes can mean several things.
    enum Content {
        /// What the browser shows by itself.
        case media(Kind, String)
        case text(Kind, String)
        case table(TablePreview)
        case markdown(String)
        case notebook(NotebookPreview)
        case npy(NpyPreview)
        case parquet(ParquetPreview?)
        case binary

        init(_ file: FileBytes) {
            if let media = MediaSignature(file) {
                self = .media(media.kind, media.type)
            } else if file.head.starts(with: "PAR1".utf8) {
                self = Self.parquet(file)
            } else if file.head.starts(with: NpyPreview.signature) {
                self = NpyPreview(file.head).map(Content.npy) ?? .binary
            } else if let text = TextPreview.decoded(file.head, isWhole: file.isWhole) {
                self = Self.text(text, file)
            } else {
                self = .binary
            }
        }

        var kind: Kind {
            switch self {
            case .media(let kind, _), .text(let kind, _): kind
            case .table: .table
            case .markdown: .markdown
            case .notebook: .notebook
            case .npy: .npy
            case .parquet: .parquet
            case .binary: .binary
            }
        }

        var mediaType: String? {
            if case .media(_, let type) = self { type } else { nil }
        }

        private static func parquet(_ file: FileBytes) -> Content {
            let tail = file.isWhole && file.tail.isEmpty ? file.head : file.tail
            switch ParquetPreview.read(tail, size: file.size) {
            case .malformed: return .binary
            case .tooLong: return .parquet(nil)
            case .found(let preview): return .parquet(preview)
            }
        }

        private static func text(_ text: String, _ file: FileBytes) -> Content {
            switch file.ending {
            case "csv": .table(TablePreview(text, separators: ",;\t|", isWhole: file.isWhole))
            case "tsv", "tab": .table(TablePreview(text, separators: "\t,;|", isWhole: file.isWhole))
            case "md", "markdown": .markdown(text)
            case "html", "htm": .media(.html, "text/html")
            case "svg": text.contains("<svg") ? .media(.image, "image/svg+xml") : .text(.code, text)
            case "json", "ipynb", "geojson": json(text, file) ?? .text(.json, text)
            case "txt", "log", "out", "err": .text(.text, text)
            case let ending where codeEndings.contains(ending): .text(.code, text)
            default: unnamed(text, file)
            }
        }

        /// Text whose name says nothing.
        private static func unnamed(_ text: String, _ file: FileBytes) -> Content {
            let start = text.unicodeScalars.drop { $0.properties.isWhitespace }.prefix(512)
            let opening = String(String.UnicodeScalarView(start)).lowercased()
            if opening.hasPrefix("<!doctype html") || opening.hasPrefix("<html") { return .media(.html, "text/html") }
            let isXML = opening.hasPrefix("<?xml") || opening.hasPrefix("<!--") || opening.hasPrefix("<!doctype svg")
            if opening.hasPrefix("<svg") || isXML && opening.contains("<svg") { return .media(.image, "image/svg+xml") }
            if opening.hasPrefix("{") || opening.hasPrefix("["), let json = json(text, file) { return json }
            return .text(.text, text)
        }

        /// What a whole JSON text holds; nil where it is none.
        private static func json(_ text: String, _ file: FileBytes) -> Content? {
            let bytes = Array(text.utf8)
            guard file.isWhole, let value = try? JSONValue(parsing: bytes, allowsNonFinite: true) else { return nil }
            if let notebook = NotebookPreview(value) { return .notebook(notebook) }
            if let table = TablePreview(value) { return .table(table) }
            return .text(.json, JSONPreview.indented(bytes))
        }

        private static let codeEndings: Set<String> = [
            "py", "pyi", "swift", "js", "mjs", "ts", "tsx", "jsx", "java", "kt", "scala", "c", "h", "cc", "cpp", "hpp",
            "cu", "cs", "rs", "go", "rb", "r", "jl", "m", "php", "pl", "lua", "sh", "bash", "zsh", "ps1", "bat", "sql",
            "yaml", "yml", "toml", "ini", "cfg", "conf", "env", "properties", "xml", "css", "scss", "proto", "graphql",
            "tex", "bib", "diff", "patch", "gradle", "cmake", "tf", "jsonl", "ndjson", "mustache", "jinja",
            "dockerfile",
            "makefile", "mlmodel", "lock",
        ]
    }
}
