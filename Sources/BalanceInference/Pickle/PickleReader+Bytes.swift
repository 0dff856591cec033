import BalanceCore

/// The input, byte by byte, and what is said of a wrong one.
extension PickleReader {
    mutating func byte() throws -> UInt8 {
        guard position < input.count else { throw damaged("unexpected end of file") }
        position += 1
        return input[position - 1]
    }

    mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count >= 0, count <= input.count - position else { throw damaged("unexpected end of file") }
        position += count
        return input[position - count..<position]
    }

    mutating func unsigned(_ size: Int) throws -> UInt64 {
        try take(size).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func count(_ size: Int) throws -> Int {
        guard let count = Int(exactly: try unsigned(size)) else { throw damaged("unexpected end of file") }
        return count
    }

    mutating func bigEndian() throws -> UInt64 { try take(8).reduce(0) { $0 << 8 | UInt64($1) } }

    /// A two's complement integer; one over 64 bits keeps its bytes, as no supported model has use for it.
    mutating func long(_ size: Int) throws {
        let bytes = try take(size)
        guard size <= 8 else { return try push(.bytes(Array(bytes))) }
        let bits = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let shift = UInt64(64 - size * 8)
        try push(.int(size == 0 ? 0 : Int(Int64(bitPattern: bits << shift) >> Int64(shift))))
    }

    mutating func text(_ size: Int) throws {
        guard let text = String(validating: try take(size), as: UTF8.self) else { throw damaged("invalid UTF-8") }
        try push(.string(text))
    }

    mutating func line() throws -> String {
        let rest = input[position...].prefix(1000)
        guard let end = rest.firstIndex(of: 0x0A), let text = String(validating: rest[..<end], as: UTF8.self) else {
            throw damaged("unterminated name")
        }
        position = end + 1
        return text
    }

    func damaged(_ reason: String) -> Failure {
        Failure(
            .modelNotReadable,
            "the pickle is damaged near byte \(position): \(reason)",
            hint: "save the model again, or promote another one"
        )
    }

    func unsupported(_ reason: String) -> Failure {
        Failure(.modelNotReadable, reason, hint: "docs/model-formats.md lists what can be served")
    }
}
