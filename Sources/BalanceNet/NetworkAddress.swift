import Foundation

/// An address of the Internet protocol, as its bytes.
package struct NetworkAddress: Sendable, Hashable {
    /// 4 or 16 bytes.
    package let bytes: [UInt8]

    /// Reads an address in its normal form, `192.0.2.1` or `2001:db8::1`; nil for anything else.
    package init?(_ text: String) {
        var four = in_addr()
        var sixteen = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = withUnsafeBytes(of: &four) { Array($0) }
        } else if inet_pton(AF_INET6, text, &sixteen) == 1 {
            bytes = withUnsafeBytes(of: &sixteen) { Array($0) }
        } else {
            return nil
        }
    }

    package init(bytes: [UInt8]) { self.bytes = bytes }

    package var text: String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "?" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether it is one that hosts of the public Internet have (RFC 6890 lists the others).
    package var isPublic: Bool {
        if let inner = embedded { return inner.isPublic }
        if bytes.count == 4 { return !Self.special.contains { $0.contains(self) } }
        // 2000::/3 is all that is given out; parts of it are for other purposes.
        return bytes[0] & 0xE0 == 0x20 && !Self.specialSixteen.contains { $0.contains(self) }
    }

    /// The IPv4 address inside one of the forms that carry it through IPv6.
    private var embedded: NetworkAddress? {
        guard bytes.count == 16 else { return nil }
        let isMapped =
            bytes[..<10].allSatisfy { $0 == 0 } && (bytes[10...11] == [0xFF, 0xFF] || bytes[10...11] == [0, 0])
        let isLoopback = bytes[..<15].allSatisfy { $0 == 0 } && bytes[15] <= 1
        if isMapped, !isLoopback { return NetworkAddress(bytes: Array(bytes[12...])) }
        if bytes.starts(with: [0, 0x64, 0xFF, 0x9B]), bytes[4..<12].allSatisfy({ $0 == 0 }) {
            return NetworkAddress(bytes: Array(bytes[12...]))
        }
        if bytes.starts(with: [0x20, 0x02]) { return NetworkAddress(bytes: Array(bytes[2..<6])) }
        return nil
    }

    private static let special = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
    ].compactMap(AddressBlock.init)

    private static let specialSixteen = ["2001::/23", "2001:db8::/32"].compactMap(AddressBlock.init)
}

/// All addresses that begin alike, as `10.0.0.0/8`; a single address stands for itself.
package struct AddressBlock: Sendable, Hashable {
    let base: NetworkAddress
    let bits: Int

    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1)
        guard let first = parts.first, let base = NetworkAddress(String(first)) else { return nil }
        let all = base.bytes.count * 8
        guard let bits = parts.count == 2 ? Int(parts[1]) : all, (0...all).contains(bits) else { return nil }
        self.base = base
        self.bits = bits
    }

    package func contains(_ address: NetworkAddress) -> Bool {
        guard address.bytes.count == base.bytes.count else { return false }
        return (0..<bits).allSatisfy { bit in
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            return address.bytes[bit / 8] & mask == base.bytes[bit / 8] & mask
        }
    }
}
