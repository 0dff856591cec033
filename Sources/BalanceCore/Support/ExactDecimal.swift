/// A decimal number of any length, for comparing without rounding.
///
/// A double stands for the shortest decimal that reads back as it: 0.005 is five thousandths, and 0.009 - 0.004 is too.
package struct ExactDecimal: Sendable, Hashable {
    private var isNegative: Bool
    /// The digits without leading zeros, the least first; empty for zero.
    private var digits: [UInt8]
    /// The power of ten of the first digit.
    private var exponent: Int

    private init(isNegative: Bool, digits: [UInt8], exponent: Int) {
        var digits = digits
        while digits.last == 0 { digits.removeLast() }
        self.digits = digits
        self.isNegative = isNegative && !digits.isEmpty
        self.exponent = digits.isEmpty ? 0 : exponent
    }

    /// The decimal that a finite double stands for, or nil.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        let parts = value.magnitude.description.split(separator: "e")
        let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let fraction = halves.count == 2 ? halves[1] : ""
        let power = parts.count == 2 ? Int(parts[1]) ?? 0 : 0
        let text = String(halves[0] + fraction)
        self.init(
            isNegative: value < 0,
            digits: text.utf8.reversed().map { $0 &- UInt8(ascii: "0") },
            exponent: power - fraction.count
        )
    }

    package static let zero = ExactDecimal(isNegative: false, digits: [], exponent: 0)

    package var magnitude: ExactDecimal { ExactDecimal(isNegative: false, digits: digits, exponent: exponent) }

    /// The nearest double.
    package var double: Double {
        guard !digits.isEmpty else { return 0 }
        let text = String(decoding: digits.reversed().map { $0 + UInt8(ascii: "0") }, as: UTF8.self)
        return Double("\(isNegative ? "-" : "")\(text)e\(exponent)") ?? 0
    }

    package static prefix func - (value: ExactDecimal) -> ExactDecimal {
        ExactDecimal(isNegative: !value.isNegative, digits: value.digits, exponent: value.exponent)
    }

    package static func + (left: ExactDecimal, right: ExactDecimal) -> ExactDecimal {
        let exponent = min(left.exponent, right.exponent)
        let (a, b) = (left.aligned(to: exponent), right.aligned(to: exponent))
        if left.isNegative == right.isNegative {
            return ExactDecimal(isNegative: left.isNegative, digits: sum(a, b), exponent: exponent)
        }
        if isLess(a, b) {
            return ExactDecimal(isNegative: right.isNegative, digits: difference(b, a), exponent: exponent)
        }
        return ExactDecimal(isNegative: left.isNegative, digits: difference(a, b), exponent: exponent)
    }

    package static func - (left: ExactDecimal, right: ExactDecimal) -> ExactDecimal { left + -right }

    package static func * (left: ExactDecimal, right: ExactDecimal) -> ExactDecimal {
        var product = [Int](repeating: 0, count: left.digits.count + right.digits.count)
        for (i, a) in left.digits.enumerated() {
            for (j, b) in right.digits.enumerated() { product[i + j] += Int(a) * Int(b) }
        }
        var carry = 0
        let digits = product.map { column -> UInt8 in
            let value = column + carry
            carry = value / 10
            return UInt8(value % 10)
        }
        return ExactDecimal(
            isNegative: left.isNegative != right.isNegative,
            digits: digits,
            exponent: left.exponent + right.exponent
        )
    }

    private func aligned(to exponent: Int) -> [UInt8] {
        digits.isEmpty ? [] : [UInt8](repeating: 0, count: self.exponent - exponent) + digits
    }

    private static func sum(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
        var carry: UInt8 = 0
        var result = (0..<max(a.count, b.count)).map { index -> UInt8 in
            let value = (index < a.count ? a[index] : 0) + (index < b.count ? b[index] : 0) + carry
            carry = value / 10
            return value % 10
        }
        result.append(carry)
        return result
    }

    /// The larger less the smaller.
    private static func difference(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
        var borrow: UInt8 = 0
        return a.indices.map { index in
            let taken = (index < b.count ? b[index] : 0) + borrow
            borrow = a[index] < taken ? 1 : 0
            return a[index] + borrow * 10 - taken
        }
    }

    private static func isLess(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        for index in stride(from: max(a.count, b.count) - 1, through: 0, by: -1) {
            let (left, right) = (index < a.count ? a[index] : 0, index < b.count ? b[index] : 0)
            if left != right { return left < right }
        }
        return false
    }
}

extension ExactDecimal: Comparable {
    package static func < (left: ExactDecimal, right: ExactDecimal) -> Bool { (left - right).isNegative }
}
