/// The hosts that requests may name, so that a page in a user's browser cannot reach the server through a name that it
/// rebinds (DNS rebinding).
package struct AllowedHosts: Sendable {
    private let names: Set<String>
    /// The same as bytes, to be compared with those of a connection.
    private let bytes: [[UInt8]]
    private let allowsAll: Bool

    package static let loopback: Set<String> = ["localhost", "127.0.0.1", "[::1]"]

    /// - Parameter hosts: Names and addresses without ports that are allowed besides loopback; `*` allows all.
    package init(_ hosts: [String]) {
        names = Self.loopback.union(hosts.map { $0.lowercased() }.filter { !$0.isEmpty && $0 != "*" })
        bytes = names.map { Array($0.utf8) }
        allowsAll = hosts.contains("*")
    }

    /// Whether a name without a port is allowed.
    package func allow(_ name: String) -> Bool { allowsAll || names.contains(name) }

    /// Whether the bytes of a host, without a port of digits, are written as one that is allowed.
    package func allow(_ text: UnsafeRawBufferPointer, _ host: Range<Int>) -> Bool {
        if allowsAll { return true }
        var end = host.upperBound
        while end > host.lowerBound, text[end - 1] >= 0x30, text[end - 1] <= 0x39 { end -= 1 }
        let hasPort = end > host.lowerBound && end < host.upperBound && text[end - 1] == UInt8(ascii: ":")
        let name = UnsafeRawBufferPointer(rebasing: text[host.lowerBound..<(hasPort ? end - 1 : host.upperBound)])
        return bytes.contains { $0.count == name.count && name.elementsEqual($0) }
    }

    /// An authority without its port; all of it where what follows the name is not a port.
    package static func name(of authority: String) -> String {
        let text = authority.lowercased()
        var name = text.prefix { $0 != ":" }
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") { name = text[...end] }
        let rest = text[name.endIndex...]
        let isPort =
            rest.isEmpty || rest.first == ":" && rest.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isPort ? String(name) : text
    }
}
