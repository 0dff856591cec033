import BalanceCore

/// The element type of a numpy array.
///
/// Its text form is numpy's: `f8`, `i4`, `b1`, `U12`, `O`.
struct NumpyType: Sendable, Equatable {
    /// A named part of a structured element.
    struct Field: Sendable, Equatable {
        var name: String
        var offset: Int
        /// Its kind and size; a part has no parts itself.
        var kind: Character
        var size: Int
        var isBigEndian: Bool
    }

    /// `f`, `i`, `u`, `b`, `U`, `S`, `O`, or `V` for an element with ``fields``.
    var kind: Character
    /// The size of an element in bytes.
    var size: Int
    var isBigEndian = false
    var fields: [Field] = []

    /// Reads numpy's short form, with or without a mark of byte order; nil for a type that is not supported.
    init?(_ text: String) {
        var text = Substring(text)
        if let mark = text.first, "<>|=".contains(mark) {
            isBigEndian = mark == ">"
            text = text.dropFirst()
        }
        guard let kind = text.first, "fiubUSOV".contains(kind) else { return nil }
        self.kind = kind
        guard let count = text.dropFirst().isEmpty ? 8 : Int(text.dropFirst()), (0...1 << 20).contains(count) else {
            return nil
        }
        size = kind == "U" ? count * 4 : count
        let sizes: [Character: Set<Int>] = [
            "f": [2, 4, 8], "i": [1, 2, 4, 8], "u": [1, 2, 4, 8], "b": [1], "O": [8],
        ]
        guard size > 0, sizes[kind]?.contains(size) ?? true else { return nil }
    }

    /// Adds a named part; nil where it does not lie inside the element.
    mutating func add(_ name: String, _ type: NumpyType, at offset: Int) -> Void? {
        guard kind == "V", type.fields.isEmpty, offset >= 0, offset <= size - type.size else { return nil }
        fields.append(
            Field(name: name, offset: offset, kind: type.kind, size: type.size, isBigEndian: type.isBigEndian)
        )
        return ()
    }

    /// The type of a part.
    init(_ field: Field) {
        kind = field.kind
        size = field.size
        isBigEndian = field.isBigEndian
    }
}

/// A numpy array as the bytes that the file holds.
struct NumpyArray: Sendable {
    var type: NumpyType
    var shape: [Int]
    /// Whether the first index changes fastest.
    var isFortran = false
    var bytes: [UInt8] = []
    /// The elements of an array of objects, as indices into the graph.
    var objects: [Int]?

    /// How many elements the shape asks for, or nil where that is negative or does not fit.
    static func count(of shape: [Int]) -> Int? {
        var count = 1
        for length in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard length >= 0, !overflow else { return nil }
            count = product
        }
        return count
    }

    /// More numbers than any supported model has in one array.
    static let maximumCount = 1 << 24

    /// The numbers in row order, or nil where the elements are not numbers or are too many.
    var doubles: [Double]? {
        guard "fiub".contains(type.kind), let count = heldCount else { return nil }
        let values = (0..<count).map { number(at: $0 * type.size) }
        return isFortran ? rowOrder(values) : values
    }

    /// The numbers of one part of structured elements, or nil.
    func column(_ name: String) -> [Double]? {
        guard let field = type.fields.first(where: { $0.name == name }), let count = heldCount else { return nil }
        var column = NumpyArray(type: NumpyType(field), shape: [count])
        column.bytes.reserveCapacity(count * field.size)
        for index in 0..<count {
            let start = index * type.size + field.offset
            column.bytes += bytes[start..<start + field.size]
        }
        return column.doubles
    }

    /// The elements as texts, or nil.
    var labels: [String]? {
        switch type.kind {
        case "U": texts(width: type.size)
        case "b": doubles?.map { $0 == 0 ? "False" : "True" }
        case "i", "u": heldCount.map { (0..<$0).map { integer(at: $0 * type.size) } }
        case "f": doubles?.map(\.description)
        default: nil
        }
    }

    /// How many elements there are, if shape and bytes agree and they are not too many.
    private var heldCount: Int? {
        guard let count = Self.count(of: shape), count <= Self.maximumCount, count * type.size == bytes.count else {
            return nil
        }
        return count
    }

    private func bits(at offset: Int) -> UInt64 {
        (0..<type.size).reduce(0) { bits, index in
            let place = type.isBigEndian ? type.size - 1 - index : index
            return bits | UInt64(bytes[offset + place]) << UInt64(index * 8)
        }
    }

    /// An integer as its decimal digits; not every 64-bit integer is a Double.
    private func integer(at offset: Int) -> String {
        let bits = bits(at: offset)
        let shift = UInt64(64 - type.size * 8)
        return type.kind == "u" ? String(bits) : String(Int64(bitPattern: bits << shift) >> Int64(shift))
    }

    private func number(at offset: Int) -> Double {
        let bits = bits(at: offset)
        switch (type.kind, type.size) {
        case ("f", 8): return Double(bitPattern: bits)
        case ("f", 4): return Double(Float(bitPattern: UInt32(bits)))
        case ("f", _): return HalfPrecision.double(UInt16(bits))
        case ("i", _):
            let shift = UInt64(64 - type.size * 8)
            return Double(Int64(bitPattern: bits << shift) >> Int64(shift))
        default: return Double(bits)
        }
    }

    private func texts(width: Int) -> [String]? {
        guard let count = heldCount else { return nil }
        return (0..<count).map { index in
            var text = String.UnicodeScalarView()
            for place in stride(from: index * width, to: (index + 1) * width, by: 4) {
                let word = (0..<4).reduce(UInt32(0)) { sum, byte in
                    sum | UInt32(bytes[place + (type.isBigEndian ? 3 - byte : byte)]) << UInt32(byte * 8)
                }
                guard word != 0, let scalar = Unicode.Scalar(word) else { break }
                text.append(scalar)
            }
            return String(text)
        }
    }

    private func rowOrder(_ values: [Double]) -> [Double] {
        guard shape.count == 2 else { return values }
        let (rows, columns) = (shape[0], shape[1])
        return (0..<values.count).map { values[$0 % columns * rows + $0 / columns] }
    }
}
