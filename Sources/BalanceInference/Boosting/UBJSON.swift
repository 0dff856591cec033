import BalanceCore

/// Reads Universal Binary JSON, as XGBoost writes it, into JSON values.
///
/// Source: ubjson.org, draft 12. Typed arrays are taken in as they come; depth and size are bounded.
struct UBJSON {
    private let bytes: [UInt8]
    private var position = 0
    private static let maximumDepth = 64

    static func parse(_ bytes: [UInt8]) throws -> JSONValue {
        var reader = UBJSON(bytes: bytes)
        let value = try reader.value(depth: 0)
        guard reader.position == bytes.count else { throw damaged }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func value(depth: Int) throws -> JSONValue { try value(byte(), depth: depth) }

    private mutating func value(_ marker: UInt8, depth: Int) throws -> JSONValue {
        guard depth < Self.maximumDepth else { throw Self.damaged }
        switch marker {
        case UInt8(ascii: "Z"): return .null
        case UInt8(ascii: "T"): return .bool(true)
        case UInt8(ascii: "F"): return .bool(false)
        case UInt8(ascii: "S"): return .string(try text())
        case UInt8(ascii: "C"): return .string(String(Unicode.Scalar(try byte())))
        case UInt8(ascii: "d"): return .double(Double(Float(bitPattern: UInt32(try bits(4)))))
        case UInt8(ascii: "D"): return .double(Double(bitPattern: try bits(8)))
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "{"): return try object(depth)
        default: return .int(try integer(marker))
        }
    }

    private mutating func integer(_ marker: UInt8) throws -> Int {
        switch marker {
        case UInt8(ascii: "i"): Int(Int8(bitPattern: UInt8(try bits(1))))
        case UInt8(ascii: "U"): Int(try bits(1))
        case UInt8(ascii: "I"): Int(Int16(bitPattern: UInt16(try bits(2))))
        case UInt8(ascii: "l"): Int(Int32(bitPattern: UInt32(try bits(4))))
        case UInt8(ascii: "L"): Int(Int64(bitPattern: try bits(8)))
        default: throw Self.damaged
        }
    }

    private mutating func array(_ depth: Int) throws -> JSONValue {
        var type: UInt8?
        var count: Int?
        if peek == UInt8(ascii: "$") {
            position += 1
            type = try byte()
        }
        if peek == UInt8(ascii: "#") {
            position += 1
            count = try length()
        }
        var elements: [JSONValue] = []
        if let count {
            // An element takes at least a byte, so that no small file may ask for much.
            guard count <= bytes.count - position else { throw Self.damaged }
            // Of these an element takes nothing more.
            if let type, "ZTFN".utf8.contains(type), count > 1000 { throw Self.damaged }
            elements.reserveCapacity(count)
            for _ in 0..<count {
                elements.append(try type.map { try value($0, depth: depth + 1) } ?? value(depth: depth + 1))
            }
            return .array(elements)
        }
        guard type == nil else { throw Self.damaged }
        while peek != UInt8(ascii: "]") { elements.append(try value(depth: depth + 1)) }
        position += 1
        return .array(elements)
    }

    private mutating func object(_ depth: Int) throws -> JSONValue {
        var members: [(String, JSONValue)] = []
        guard peek != UInt8(ascii: "$"), peek != UInt8(ascii: "#") else { throw Self.damaged }
        while peek != UInt8(ascii: "}") {
            let name = try text()
            members.append((name, try value(depth: depth + 1)))
        }
        position += 1
        return .object(members)
    }

    private mutating func text() throws -> String {
        let count = try length()
        guard count <= bytes.count - position else { throw Self.damaged }
        defer { position += count }
        return String(decoding: bytes[position..<position + count], as: UTF8.self)
    }

    private mutating func length() throws -> Int {
        let count = try integer(byte())
        guard count >= 0 else { throw Self.damaged }
        return count
    }

    private mutating func byte() throws -> UInt8 {
        guard position < bytes.count else { throw Self.damaged }
        defer { position += 1 }
        return bytes[position]
    }

    /// A big-endian number.
    private mutating func bits(_ count: Int) throws -> UInt64 {
        var bits: UInt64 = 0
        for _ in 0..<count { bits = bits << 8 | UInt64(try byte()) }
        return bits
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private static let damaged = Failure(
        .modelNotReadable,
        "the UBJSON file is damaged or cut off",
        hint: "save the model again"
    )
}
