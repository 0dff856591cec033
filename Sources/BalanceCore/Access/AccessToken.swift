/// The text of a token: `bops_`, an id of 12 characters, `_`, a secret of 43 and a check sum of 6.
///
/// Each character is a letter or digit, so that scanners for secrets can match `bops_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}`. The
/// secret has 256 random bits, so its hash needs no salt and no slowness.
package struct AccessToken: Sendable {
    package let text: String

    package static let prefix = "bops_"
    package static let length = 67
    private static let idLength = 12
    private static let secretLength = 43
    private static let sumLength = 6

    /// - Parameter random: At least 44 random bytes.
    package init(random: [UInt8]) {
        self.init(id: Self.digits(Array(random.prefix(11)), count: Self.idLength), random: Array(random.dropFirst(11)))
    }

    /// Another secret for a token that has an id, of at least 33 random bytes.
    package init(id: String, random: [UInt8]) {
        let body = "\(Self.prefix)\(id)_\(Self.digits(random, count: Self.secretLength))"
        text = body + Self.sum(Array(body.utf8))
    }

    /// A text of the form of a token whose check sum holds; nil for any other.
    package init?(parsing bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.length, bytes.starts(with: Self.prefix.utf8),
            bytes[Self.prefix.utf8.count + Self.idLength] == UInt8(ascii: "_"),
            bytes.allSatisfy({ Self.isDigit($0) || $0 == UInt8(ascii: "_") })
        else { return nil }
        let body = Array(bytes.dropLast(Self.sumLength))
        let sum = Array(Self.sum(body).utf8)
        guard bytes.suffix(Self.sumLength).elementsEqual(sum) else { return nil }
        text = String(decoding: bytes, as: UTF8.self)
    }

    package init?(parsing text: String) {
        var text = text
        guard let token = text.withUTF8({ AccessToken(parsing: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = token
    }

    /// What tells it from others in lists and in the trail; no secret.
    package var id: String { String(text.dropFirst(Self.prefix.count).prefix(Self.idLength)) }

    /// SHA-256 of the whole text, in hex.
    package var digest: String { ContentHash.of(Array(text.utf8)) }

    /// Whether a text holds something of the form of a token: it would be public to readers where it is stored.
    package static func occurs(in text: String) -> Bool {
        guard text.utf8.count >= length else { return false }
        let bytes = Array(text.utf8)
        let mark = Array(prefix.utf8)
        for start in 0...(bytes.count - length) where bytes[start] == mark[0] {
            let found = bytes[start..<start + length].withUnsafeBytes { AccessToken(parsing: $0) != nil }
            if found { return true }
        }
        return false
    }

    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    private static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    /// Random bytes as so many letters and digits.
    private static func digits(_ random: [UInt8], count: Int) -> String {
        var number = random
        var text: [UInt8] = []
        for _ in 0..<count {
            var rest = 0
            for index in number.indices {
                let value = rest << 8 | Int(number[index])
                (number[index], rest) = (UInt8(value / alphabet.count), value % alphabet.count)
            }
            text.append(alphabet[rest])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// CRC-32 (ISO 3309) as letters and digits.
    private static func sum(_ bytes: [UInt8]) -> String {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return digits((0..<4).reversed().map { UInt8(truncatingIfNeeded: ~crc >> UInt32($0 * 8)) }, count: sumLength)
    }
}
