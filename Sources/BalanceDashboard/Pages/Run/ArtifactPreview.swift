import BalanceCore

/// What a page shows of a file that a run recorded, told from its name and its bytes.
///
/// Templates read stored properties only. Nothing in the bytes is trusted: a length from the file is compared with the
/// bytes at hand before it is used, and what does not fit its format is shown as ``Kind/binary``.
struct ArtifactPreview {
    enum Kind: String, CaseIterable {
        case image, text, code, json, table, markdown, pdf, audio, video, html, notebook, npy, parquet, binary
    }

    /// How much of a file's start is read, and how much of its end.
    static let headSize = 256 << 10
    static let tailSize = 64 << 10

    let kind: Kind
    let kindName: String
    let isImage, isText, isCode, isJSON, isTable, isMarkdown, isPDF, isAudio, isVideo, isHTML, isNotebook, isNpy: Bool
    let isParquet, isBinary: Bool
    /// For the file as it is served; nil where the browser is not to show the file itself.
    let mediaType: String?

    /// Whether the page shows less than the file.
    private(set) var isCut = false
    let bytesRead, bytesTotal: Int
    let readText, sizeText: String

    /// The lines of text, code and JSON.
    private(set) var lines: [TextPreview.Line] = []
    private(set) var table: TablePreview?
    /// The text of a Markdown file, as it is.
    private(set) var markdown: String?
    private(set) var notebook: NotebookPreview?
    private(set) var npy: NpyPreview?
    /// What the end of a Parquet file says, where it was given and reaches far enough.
    private(set) var parquet: ParquetPreview?
    /// The first bytes of a binary file.
    private(set) var hex: [HexPreview] = []

    /// - Parameters:
    ///   - name: The name of the file or its path.
    ///   - head: The start of the file; bytes after the first ``headSize`` are not looked at.
    ///   - size: The size of the whole file.
    ///   - tail: The last ``tailSize`` bytes of the file, for Parquet.
    init(name: String, head: [UInt8], size: Int, tail: [UInt8] = []) {
        let head = head.count > Self.headSize ? Array(head[..<Self.headSize]) : head
        bytesRead = head.count
        bytesTotal = max(size, head.count)
        let content = Content(FileBytes(name: name, head: head, size: max(size, head.count), tail: tail))
        kind = content.kind
        kindName = content.kind.rawValue
        mediaType = content.mediaType
        readText = NumberText.size(bytesRead)
        sizeText = NumberText.size(bytesTotal)
        let kind = content.kind
        (isImage, isText, isCode, isJSON) = (kind == .image, kind == .text, kind == .code, kind == .json)
        (isTable, isMarkdown, isPDF, isAudio) = (kind == .table, kind == .markdown, kind == .pdf, kind == .audio)
        (isVideo, isHTML, isNotebook, isNpy) = (kind == .video, kind == .html, kind == .notebook, kind == .npy)
        (isParquet, isBinary) = (kind == .parquet, kind == .binary)
        show(content, head)
    }

    private mutating func show(_ content: Content, _ head: [UInt8]) {
        let isPart = bytesRead < bytesTotal
        switch content {
        case .text(_, let text):
            let preview = TextPreview(text)
            (lines, isCut) = (preview.lines, preview.isCut || isPart)
        case .table(let table): (self.table, isCut) = (table, table.isCut || isPart)
        case .markdown(let text): (markdown, isCut) = (text, isPart)
        case .notebook(let notebook): (self.notebook, isCut) = (notebook, notebook.isCut)
        case .npy(let npy): self.npy = npy
        case .parquet(let parquet): self.parquet = parquet
        case .binary: (hex, isCut) = (HexPreview.lines(head), bytesTotal > HexPreview.maximumBytes)
        case .media: break
        }
    }
}

/// What is known of a file.
struct FileBytes {
    let name: String
    let head: [UInt8]
    let size: Int
    let tail: [UInt8]

    var isWhole: Bool { head.count == size }

    /// What the name ends in, in lower case; the name itself where it has no point.
    var ending: String {
        let last = name.split(separator: "/").last ?? ""
        return String(last.split(separator: ".").last ?? "").lowercased()
    }
}
