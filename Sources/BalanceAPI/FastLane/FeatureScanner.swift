/// Reads `{"features": [numbers]}` where that is all a body holds, into the numbers that the JSON reader would find.
///
/// A number whose digits and exponent are too many to be converted exactly with one multiplication or division (Clinger's
/// fast path) is left to the normal reader, as is everything else.
struct FeatureScanner {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    private static let powers: [Double] = (0...22).map { power in (0..<power).reduce(1.0) { value, _ in value * 10 } }

    /// The numbers, or nil where the body is not surely of that form, or has another count of them.
    static func numbers(_ bytes: UnsafeRawBufferPointer, count: Int) -> [Double]? {
        var scanner = FeatureScanner(bytes: bytes)
        return scanner.scan(count)
    }

    private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private mutating func scan(_ count: Int) -> [Double]? {
        guard count > 0, take("{"), take("\"features\""), take(":"), take("[") else { return nil }
        var numbers: [Double] = []
        numbers.reserveCapacity(count)
        for index in 0..<count {
            if index > 0, !take(",") { return nil }
            skip()
            guard let number = number() else { return nil }
            numbers.append(number)
        }
        guard take("]"), take("}") else { return nil }
        skip()
        return position == bytes.count ? numbers : nil
    }

    private mutating func number() -> Double? {
        let isNegative = peek == UInt8(ascii: "-")
        if isNegative { position += 1 }
        var mantissa: UInt64 = 0
        let start = position
        guard digits(&mantissa) else { return nil }
        // JSON knows no number with a leading zero.
        if position - start > 1, bytes[start] == UInt8(ascii: "0") { return nil }
        var scale = 0
        if peek == UInt8(ascii: ".") {
            position += 1
            let first = position
            guard digits(&mantissa) else { return nil }
            scale = first - position
        }
        if let mark = peek, mark | 0x20 == UInt8(ascii: "e") {
            guard let exponent = exponent() else { return nil }
            scale += exponent
        }
        guard position - start <= 19, mantissa < 1 << 53, (-22...22).contains(scale) else { return nil }
        // Zero below zero is a matter of how it is written.
        if isNegative, mantissa == 0 { return nil }
        let value = scale < 0 ? Double(mantissa) / Self.powers[-scale] : Double(mantissa) * Self.powers[scale]
        return isNegative ? -value : value
    }

    private mutating func digits(_ mantissa: inout UInt64) -> Bool {
        let start = position
        while let byte = peek, byte >= 0x30, byte <= 0x39 {
            guard position - start < 19 else { return false }
            mantissa = mantissa &* 10 &+ UInt64(byte - 0x30)
            position += 1
        }
        return position > start
    }

    private mutating func exponent() -> Int? {
        position += 1
        let isNegative = peek == UInt8(ascii: "-")
        if isNegative || peek == UInt8(ascii: "+") { position += 1 }
        let start = position
        var number = 0
        while let byte = peek, byte >= 0x30, byte <= 0x39, position - start < 3 {
            number = number * 10 + Int(byte - 0x30)
            position += 1
        }
        return position > start ? (isNegative ? -number : number) : nil
    }

    private mutating func take(_ text: StaticString) -> Bool {
        skip()
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard wanted.count <= bytes.count - position else { return false }
        for (index, byte) in wanted.enumerated() where bytes[position + index] != byte { return false }
        position += wanted.count
        return true
    }

    private mutating func skip() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }
}
