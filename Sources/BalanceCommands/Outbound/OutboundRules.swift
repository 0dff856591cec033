import BalanceCore
import BalanceNet
import Foundation

/// Where this server may send something on somebody's behalf: to public addresses over TLS, and to what the settings name.
struct OutboundRules: Sendable {
    private let hosts: Set<String>
    private let blocks: [AddressBlock]

    /// - Parameter allowed: Hosts and address blocks in private networks, separated by commas.
    init(allowed: String) {
        let entries = allowed.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
        blocks = entries.compactMap(AddressBlock.init)
        hosts = Set(entries.filter { AddressBlock($0) == nil && !$0.isEmpty })
    }

    /// A URL that may be sent to, taken apart.
    struct Target: Sendable {
        /// The URL with the host as it was checked, in small letters: that is the name under which it is looked up.
        var url: String
        var host: String
        var port: Int
        var isSecure: Bool
        /// The address, where the host is one.
        var address: NetworkAddress?
    }

    /// - Throws: `Failure` with code `urlNotAllowed`.
    func target(_ text: String) throws -> Target {
        guard text.utf8.count <= 2000, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            scheme == "https" || scheme == "http", let named = parts.host, !named.isEmpty
        else { throw refusal(text, "the URL must use https") }
        guard parts.user == nil, parts.password == nil else {
            throw refusal(text, "the URL must not contain a user name or password")
        }
        guard parts.fragment == nil else { throw refusal(text, "the URL must not contain a fragment") }
        let host = named.lowercased().trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        let port = parts.port ?? (scheme == "https" ? 443 : 80)
        let isNamed = hosts.contains(host)
        guard port == 443 || port == 80 || (1024...65535).contains(port) else {
            throw refusal(text, "port \(port) is reserved for other services")
        }
        let address = NetworkAddress(host)
        if address == nil, Self.looksNumeric(host) || host.hasSuffix(".") || host.contains(":") {
            throw refusal(text, "the host is not a valid IP address")
        }
        guard address != nil || host.utf8.allSatisfy({ Self.isPlain($0) }) else {
            throw refusal(text, "the host name contains an invalid character")
        }
        let isOpen = isNamed || address.map { address in blocks.contains { $0.contains(address) } } ?? false
        if let address, !isOpen, !address.isPublic { throw refusal(text, "\(host) is not a public address") }
        if !isNamed, address == nil, Self.isLocal(host) { throw refusal(text, "\(host) is not a public host") }
        guard scheme == "https" || isOpen else {
            throw refusal(text, "http is allowed only for hosts listed in the settings")
        }
        var checked = parts
        checked.host = named.lowercased()
        guard let url = checked.string else { throw refusal(text, "the URL must use https") }
        return Target(url: url, host: host, port: port, isSecure: scheme == "https", address: address)
    }

    /// The address to connect to: every address that a name has must be one that may be connected to.
    ///
    /// - Throws: `Failure` with code `urlNotAllowed` or `unavailable`.
    func address(of target: Target) async throws -> NetworkAddress {
        let found: [NetworkAddress]
        if let address = target.address {
            found = [address]
        } else {
            found = try await NameLookup.addresses(of: target.host)
        }
        guard let first = found.first else { throw Failure(.unavailable, "the host name does not resolve") }
        let isNamed = hosts.contains(target.host)
        for address in found {
            let isInBlock = blocks.contains { $0.contains(address) }
            let isAllowed = target.isSecure ? isNamed || isInBlock || address.isPublic : isNamed || isInBlock
            guard isAllowed else { throw Failure(.urlNotAllowed, "the address is not allowed") }
        }
        return first
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }

    private static func looksNumeric(_ host: String) -> Bool {
        guard let last = host.split(separator: ".").last else { return true }
        return last.allSatisfy(\.isNumber) || last.hasPrefix("0x")
    }

    private static func isLocal(_ host: String) -> Bool {
        host == "localhost"
            || [".localhost", ".local", ".internal", ".lan", ".home.arpa"].contains { host.hasSuffix($0) }
    }

    private func refusal(_ text: String, _ reason: String) -> Failure {
        Failure(
            .urlNotAllowed,
            "webhook URL '\(text.prefix(200))' is not allowed: \(reason)",
            hint: "use a public https URL, or add the host to BALANCEOPS_WEBHOOK_HOSTS"
        )
    }
}
