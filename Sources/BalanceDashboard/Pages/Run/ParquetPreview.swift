/// What the footer of a Parquet file says: its columns, rows and row groups.
struct ParquetPreview {
    struct Column {
        /// With the groups that it lies in, as in "address.city".
        let name: String
        let type: String
        let isOptional, isRepeated: Bool
    }

    enum Reading {
        case found(ParquetPreview)
        /// The footer is longer than the bytes at hand.
        case tooLong
        case malformed
    }

    static let maximumColumns = 500

    private(set) var columns: [Column] = []
    private(set) var columnCount = 0
    private(set) var areColumnsCut = false
    private(set) var rowCount = 0
    private(set) var rowGroupCount = 0
    /// The program that wrote the file.
    private(set) var writer: String?

    /// Reads the end of a file; where it is empty, nothing can be said.
    static func read(_ tail: [UInt8], size: Int) -> Reading {
        guard !tail.isEmpty else { return .tooLong }
        guard tail.count >= 12, tail.suffix(4).elementsEqual("PAR1".utf8) else { return .malformed }
        let length = tail.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length > 0, length <= size - 12 else { return .malformed }
        guard length <= tail.count - 8 else { return .tooLong }
        guard let preview = try? ParquetPreview(footer: tail.dropLast(8).suffix(length)) else { return .malformed }
        return .found(preview)
    }

    private init(footer: ArraySlice<UInt8>) throws(ThriftReader.Malformed) {
        var reader = ThriftReader(footer)
        var elements: [ParquetElement] = []
        var rows: Int?
        var groups: Int?
        var writer: String?
        try reader.structure { reader, field, type throws(ThriftReader.Malformed) in
            switch (field, type) {
            case (2, .list):
                let list = try reader.list()
                guard list.type == .structure else { throw ThriftReader.Malformed() }
                for _ in 0..<list.count { elements.append(try ParquetElement(&reader)) }
            case (3, .int64): rows = try reader.integer()
            case (4, .list):
                let list = try reader.list()
                groups = list.count
                for _ in 0..<list.count { try reader.skip(list.type, depth: 1, isElement: true) }
            case (6, .binary): writer = TextPreview.plain(try reader.binary().prefix(200))
            default: return false
            }
            return true
        }
        guard let rows, let groups, rows >= 0, !elements.isEmpty else { throw ThriftReader.Malformed() }
        (rowCount, rowGroupCount, self.writer) = (rows, groups, writer)
        try addColumns(elements)
    }

    /// The leaves of the schema, which stands as a list in the order of its tree.
    private mutating func addColumns(_ elements: [ParquetElement]) throws(ThriftReader.Malformed) {
        // The groups that are open, each with how many children follow; the root has no name that matters.
        var open: [(path: String, left: Int)] = []
        for (index, element) in elements.enumerated() {
            while let last = open.last, last.left == 0 { open.removeLast() }
            guard index == 0 || !open.isEmpty, open.count < 32 else { throw ThriftReader.Malformed() }
            if index > 0 { open[open.count - 1].left -= 1 }
            let path = Self.path(open.last?.path ?? "", index == 0 ? "" : element.name)
            if element.children > 0 {
                open.append((path, element.children))
            } else if index > 0 {
                add(element, path)
            }
        }
        guard open.allSatisfy({ $0.left == 0 }) else { throw ThriftReader.Malformed() }
    }

    private mutating func add(_ element: ParquetElement, _ path: String) {
        columnCount += 1
        guard columns.count < Self.maximumColumns else {
            areColumnsCut = true
            return
        }
        columns.append(
            Column(
                name: TextPreview.plain(Array(path.utf8)[...]),
                type: element.typeName,
                isOptional: element.repetition == 1,
                isRepeated: element.repetition == 2
            )
        )
    }

    private static func path(_ parent: String, _ name: String) -> String {
        let name = String(name.unicodeScalars.prefix(200))
        return parent.isEmpty ? name : "\(parent).\(name)"
    }
}
