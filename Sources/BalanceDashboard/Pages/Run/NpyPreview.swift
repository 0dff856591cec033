/// The type and the shape of a NumPy array, as the header of an `.npy` file names them.
struct NpyPreview {
    static let signature: [UInt8] = [0x93] + Array("NUMPY".utf8)

    let dtype: String
    /// As in "128 × 10"; nil for a single value.
    let shape: String?
    let dimensions: [Int]
    let isFortranOrder: Bool
    let version: String

    init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: Self.signature), bytes.count > 12 else { return nil }
        let isLong = bytes[6] >= 2
        let length = bytes[8..<(isLong ? 12 : 10)].reversed().reduce(0) { $0 << 8 | Int($1) }
        let start = isLong ? 12 : 10
        guard (1...3).contains(bytes[6]), length <= bytes.count - start,
            let header = String(validating: bytes[start..<start + length], as: UTF8.self)
        else { return nil }
        guard let type = Self.value("descr", header), let shape = Self.value("shape", header) else { return nil }
        guard let dimensions = Self.tuple(shape) else { return nil }
        dtype = Self.name(type)
        self.dimensions = dimensions
        self.shape = dimensions.isEmpty ? nil : dimensions.map(String.init).joined(separator: " × ")
        isFortranOrder = Self.value("fortran_order", header)?.hasPrefix("True") ?? false
        version = "\(bytes[6]).\(bytes[7])"
    }

    /// What follows a key of the header's dictionary; a string loses its quotes, a list or a tuple keeps its brackets.
    private static func value(_ key: String, _ header: String) -> Substring? {
        guard let found = header.firstRange(of: "'\(key)':") else { return nil }
        let rest = header[found.upperBound...].drop { $0 == " " }
        guard let first = rest.first else { return nil }
        if first == "'" || first == "\"" {
            let text = rest.dropFirst()
            return text.firstIndex(of: first).map { text[..<$0] }
        }
        var depth = 0
        for index in rest.indices {
            switch rest[index] {
            case "(", "[": depth += 1
            case ")", "]":
                depth -= 1
                if depth <= 0 { return rest[...index] }
            case ",", "}": if depth == 0 { return rest[..<index] }
            default: break
            }
        }
        return nil
    }

    private static func tuple(_ text: Substring) -> [Int]? {
        guard text.hasPrefix("("), text.hasSuffix(")") else { return nil }
        let parts = text.dropFirst().dropLast().split(separator: ",").map { $0.filter { $0 != " " } }
        let numbers = parts.filter { !$0.isEmpty }.compactMap { Int($0) }.filter { $0 >= 0 }
        return numbers.count == parts.count { !$0.isEmpty } && numbers.count <= 64 ? numbers : nil
    }

    /// A type as NumPy prints it, float64 for "<f8"; structured types stay as they are written.
    private static func name(_ type: Substring) -> String {
        let kinds: [Character: String] = ["f": "float", "i": "int", "u": "uint", "c": "complex", "b": "bool"]
        let plain = type.drop { "<>|=".contains($0) }
        guard let kind = plain.first.flatMap({ kinds[$0] }), let size = Int(plain.dropFirst()), (1...32).contains(size)
        else { return TextPreview.plain(Array(type.prefix(200).utf8)[...]) }
        let order = type.hasPrefix(">") ? " (big-endian)" : ""
        return kind == "bool" ? kind : "\(kind)\(size * 8)\(order)"
    }
}
