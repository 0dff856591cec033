/// Reads Thrift's compact protocol, in which Parquet keeps what it says of itself.
///
/// Nothing is reserved for a length that the bytes name, each read consumes a byte, and nesting is bounded.
struct ThriftReader {
    /// The bytes are no such message.
    struct Malformed: Error {}

    enum FieldType: UInt8 {
        case stop, yes, no, byte, int16, int32, int64, double, binary, list, set, map, structure
    }

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    private static let maximumDepth = 16

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    private mutating func byte() throws(Malformed) -> UInt8 {
        guard position < bytes.endIndex else { throw Malformed() }
        defer { position += 1 }
        return bytes[position]
    }

    private mutating func varint() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try byte()
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw Malformed()
    }

    /// A number of 16, 32 or 64 bits.
    mutating func integer() throws(Malformed) -> Int {
        let value = try varint()
        return Int(truncatingIfNeeded: Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1))
    }

    mutating func binary() throws(Malformed) -> ArraySlice<UInt8> {
        guard let length = Int(exactly: try varint()), length <= bytes.endIndex - position else { throw Malformed() }
        defer { position += length }
        return bytes[position..<position + length]
    }

    mutating func text() throws(Malformed) -> String {
        guard let text = String(validating: try binary(), as: UTF8.self) else { throw Malformed() }
        return text
    }

    /// The type and the number of a list's elements, each of which takes at least a byte.
    mutating func list() throws(Malformed) -> (type: FieldType, count: Int) {
        let head = try byte()
        let count = head >> 4 == 15 ? Int(exactly: try varint()) : Int(head >> 4)
        guard let type = FieldType(rawValue: head & 15), type != .stop, let count, count <= bytes.endIndex - position
        else { throw Malformed() }
        return (type, count)
    }

    /// Reads the fields of a structure; what `read` answers false to is passed over.
    mutating func structure(
        depth: Int = 0,
        _ read: (inout ThriftReader, Int, FieldType) throws(Malformed) -> Bool
    ) throws(Malformed) {
        guard depth < Self.maximumDepth else { throw Malformed() }
        var id = 0
        while true {
            let head = try byte()
            if head == 0 { return }
            guard let type = FieldType(rawValue: head & 15), type != .stop else { throw Malformed() }
            id = head >> 4 == 0 ? try integer() : id &+ Int(head >> 4)
            if try !read(&self, id, type) { try skip(type, depth: depth + 1) }
        }
    }

    /// Passes over a value; in a list a Boolean takes a byte.
    mutating func skip(_ type: FieldType, depth: Int, isElement: Bool = false) throws(Malformed) {
        guard depth < Self.maximumDepth else { throw Malformed() }
        switch type {
        case .stop: throw Malformed()
        case .yes, .no: if isElement { _ = try byte() }
        case .byte: _ = try byte()
        case .int16, .int32, .int64: _ = try varint()
        case .double: for _ in 0..<8 { _ = try byte() }
        case .binary: _ = try binary()
        case .list, .set:
            let (element, count) = try list()
            for _ in 0..<count { try skip(element, depth: depth + 1, isElement: true) }
        case .map: try skipMap(depth: depth)
        case .structure: try structure(depth: depth + 1) { _, _, _ throws(Malformed) in false }
        }
    }

    private mutating func skipMap(depth: Int) throws(Malformed) {
        guard let count = Int(exactly: try varint()), count <= bytes.endIndex - position else { throw Malformed() }
        guard count > 0 else { return }
        let types = try byte()
        guard let key = FieldType(rawValue: types >> 4), let value = FieldType(rawValue: types & 15) else {
            throw Malformed()
        }
        for _ in 0..<count {
            try skip(key, depth: depth + 1, isElement: true)
            try skip(value, depth: depth + 1, isElement: true)
        }
    }
}
