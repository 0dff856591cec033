import BalanceCore

/// A `.npy` file: one numpy array.
///
/// Source: numpy's `lib/format`; its header is a Python literal of a dict, of which the three keys are read.
enum NpyFile {
    static func array(_ bytes: [UInt8]) throws -> NumpyArray {
        guard bytes.starts(with: [0x93] + Array("NUMPY".utf8)), bytes.count > 12 else { throw damaged }
        let isLong = bytes[6] > 1
        let lengthSize = isLong ? 4 : 2
        let length = (0..<lengthSize).reduce(0) { $0 | Int(bytes[8 + $1]) << ($1 * 8) }
        let start = 8 + lengthSize
        guard start + length <= bytes.count, length <= 1 << 16 else { throw damaged }
        var parser = PythonLiteral(Array(bytes[start..<start + length]))
        guard case .dict(let header) = try parser.value(depth: 0) else { throw damaged }
        func field(_ name: String) -> PythonLiteral.Value? { header.last { $0.0 == name }?.1 }
        guard let description = field("descr"), case .tuple(let lengths)? = field("shape"),
            case .bool(let isFortran)? = field("fortran_order")
        else { throw damaged }
        let shape = try lengths.map { length -> Int in
            guard case .int(let number) = length, number >= 0 else { throw damaged }
            return number
        }
        let type = try type(description)
        let data = Array(bytes[(start + length)...])
        guard let count = NumpyArray.count(of: shape), type.kind != "O" else { throw damaged }
        let (size, overflow) = count.multipliedReportingOverflow(by: type.size)
        guard !overflow, size == data.count else { throw damaged }
        return NumpyArray(type: type, shape: shape, isFortran: isFortran, bytes: data)
    }

    private static func type(_ description: PythonLiteral.Value) throws -> NumpyType {
        if case .string(let text) = description {
            guard let type = NumpyType(text) else { throw unsupported(text) }
            return type
        }
        guard case .list(let parts) = description else { throw damaged }
        var fields: [(name: String, type: NumpyType, offset: Int)] = []
        var size = 0
        for part in parts {
            guard case .tuple(let pair) = part, pair.count == 2, case .string(let name) = pair[0],
                case .string(let text) = pair[1]
            else { throw damaged }
            guard let type = NumpyType(text) else { throw unsupported(text) }
            // A part without a name fills a gap.
            if !name.isEmpty { fields.append((name, type, size)) }
            size += type.size
        }
        guard var type = NumpyType("V\(size)") else { throw damaged }
        for field in fields {
            guard type.add(field.name, field.type, at: field.offset) != nil else { throw damaged }
        }
        return type
    }

    private static func unsupported(_ text: String) -> Failure {
        Failure(.modelNotReadable, "the numpy type '\(text.prefix(40))' is not supported")
    }

    private static let damaged = Failure(.modelNotReadable, "an array in the archive is damaged")
}

/// The Python literals that numpy's headers are written in.
struct PythonLiteral {
    enum Value {
        case string(String)
        case int(Int)
        case bool(Bool)
        case list([Value])
        case tuple([Value])
        case dict([(String, Value)])
    }

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func value(depth: Int) throws -> Value {
        guard depth < 8 else { throw damaged }
        skip()
        switch peek {
        case UInt8(ascii: "{"): return .dict(try dict(depth))
        case UInt8(ascii: "["): return .list(try items(UInt8(ascii: "]"), depth))
        case UInt8(ascii: "("): return .tuple(try items(UInt8(ascii: ")"), depth))
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return .string(try string())
        default: return try word()
        }
    }

    private mutating func items(_ end: UInt8, _ depth: Int) throws -> [Value] {
        position += 1
        var items: [Value] = []
        while true {
            skip()
            if peek == end { break }
            items.append(try value(depth: depth + 1))
            skip()
            if peek == UInt8(ascii: ",") { position += 1 } else if peek != end { throw damaged }
        }
        position += 1
        return items
    }

    private mutating func dict(_ depth: Int) throws -> [(String, Value)] {
        position += 1
        var items: [(String, Value)] = []
        while true {
            skip()
            if peek == UInt8(ascii: "}") { break }
            guard case .string(let key) = try value(depth: depth + 1) else { throw damaged }
            skip()
            guard peek == UInt8(ascii: ":") else { throw damaged }
            position += 1
            items.append((key, try value(depth: depth + 1)))
            skip()
            if peek == UInt8(ascii: ",") { position += 1 } else if peek != UInt8(ascii: "}") { throw damaged }
        }
        position += 1
        return items
    }

    private mutating func string() throws -> String {
        let quote = peek
        position += 1
        guard let end = bytes[position...].firstIndex(where: { $0 == quote }) else { throw damaged }
        defer { position = end + 1 }
        return String(decoding: bytes[position..<end], as: UTF8.self)
    }

    private mutating func word() throws -> Value {
        let start = position
        while let byte = peek, byte != UInt8(ascii: ","), !")]}: \n".utf8.contains(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if text == "True" || text == "False" { return .bool(text == "True") }
        guard let number = Int(text) else { throw damaged }
        return .int(number)
    }

    private mutating func skip() {
        while let byte = peek, byte == 0x20 || byte == 0x0A { position += 1 }
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private var damaged: Failure {
        Failure(.modelNotReadable, "an array in the archive has a header that cannot be read")
    }
}
