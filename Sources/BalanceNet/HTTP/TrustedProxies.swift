import BalanceCore
import HTTPTypes
package import Hummingbird

/// The proxies whose word about a client counts, by the address that they connect from.
package struct TrustedProxies: Sendable {
    private let blocks: [AddressBlock]
    /// The field in which they give the name of who signed in with them; nil: none does.
    private let userField: HTTPField.Name?

    /// - Parameters:
    ///   - addresses: Addresses and CIDR blocks, separated by commas.
    ///   - userHeader: The name of the field with the user, or empty.
    /// - Throws: `Failure` with code `invalidArgument`.
    package init(_ addresses: String, userHeader: String) throws {
        blocks = try addresses.split(separator: ",").map { part in
            let text = part.filter { $0 != " " }
            guard let block = AddressBlock(text) else {
                throw Failure(
                    .invalidArgument,
                    "invalid address '\(text)' of a trusted proxy",
                    hint: "use addresses such as 127.0.0.1 or 10.0.0.0/8"
                )
            }
            return block
        }
        userField = userHeader.isEmpty ? nil : HTTPField.Name(userHeader)
        guard userHeader.isEmpty || userField != nil else {
            throw Failure(
                .invalidArgument,
                "invalid header name '\(userHeader)'",
                hint: "use a name such as X-Remote-User"
            )
        }
        guard userField == nil || !blocks.isEmpty else {
            throw Failure(
                .invalidArgument,
                "a header that names users needs the addresses of the proxies that set it",
                hint: "set BALANCEOPS_TRUSTED_PROXIES"
            )
        }
    }

    package var isEmpty: Bool { blocks.isEmpty }

    package func trusts(_ peer: NetworkAddress?) -> Bool {
        peer.map { peer in blocks.contains { $0.contains(peer) } } ?? false
    }

    /// Who a proxy says the user is; nil where none is named.
    ///
    /// - Throws: `Failure` with code `invalidArgument` for a name from elsewhere, or several.
    func user(_ request: Request, _ peer: NetworkAddress?) throws -> String? {
        guard let userField else { return nil }
        let values = request.headers[values: userField]
        guard !values.isEmpty else { return nil }
        guard trusts(peer) else {
            throw Failure(
                .invalidArgument,
                "the header \(userField.rawName) is accepted from trusted proxies only",
                hint: "connect through the proxy, or leave the header out"
            )
        }
        guard values.count == 1, let name = values.first, !name.contains(","), name.utf8.count <= 200, name.isOneLine
        else {
            throw Failure(.invalidArgument, "invalid header \(userField.rawName)", hint: "send one name")
        }
        return name.isEmpty ? nil : name
    }

    /// Where a request comes from: the last address in `X-Forwarded-For` that is none of ours, as far as proxies are trusted.
    package func client(_ request: Request, _ peer: NetworkAddress?) -> String {
        guard trusts(peer), let field = HTTPField.Name("X-Forwarded-For") else { return Self.network(peer) }
        let hops = request.headers[values: field].flatMap { $0.split(separator: ",") }.reversed()
        for hop in hops {
            guard let address = NetworkAddress(hop.trimmingPrefix { $0 == " " }.filter { $0 != " " }) else { break }
            if !trusts(address) { return Self.network(address) }
        }
        return Self.network(peer)
    }

    /// Whether the client spoke TLS with a proxy.
    package func isSecure(_ request: Request, _ peer: NetworkAddress?) -> Bool {
        guard trusts(peer), let field = HTTPField.Name("X-Forwarded-Proto") else { return false }
        return request.headers[field]?.lowercased() == "https"
    }

    /// An address as failures are counted by it: one network has many of them in the newer protocol.
    private static func network(_ address: NetworkAddress?) -> String {
        guard let address else { return "unknown" }
        guard address.bytes.count == 16 else { return address.text }
        return NetworkAddress(bytes: Array(address.bytes.prefix(7)) + Array(repeating: 0, count: 9)).text + "/56"
    }
}
