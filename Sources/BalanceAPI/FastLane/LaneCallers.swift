package import BalanceCore
import BalanceSystem
import Foundation

/// Tells the fast lanes who sends a request.
package struct LaneCallers: Sendable {
    fileprivate let authenticator: any Authenticator

    package init(_ authenticator: any Authenticator) { self.authenticator = authenticator }
}

/// A caller that is handed from step to step of a lane: one reference, where a principal has many.
package final class LaneIdentity: Sendable {
    let principal: Principal
    /// In whole seconds since 1970; in its last second a token is looked at each time.
    fileprivate let expiresAt: Int

    fileprivate init(_ principal: Principal, expiresAt: Int) {
        self.principal = principal
        self.expiresAt = expiresAt
    }

    static let unchecked = LaneIdentity(.unchecked, expiresAt: .max)
}

/// Who sends the requests of one connection: most send the same token with each, which is looked up once.
///
/// What was found holds until accounts change or the token expires; comparing with it takes as long for any token.
package struct LaneCaller {
    private let authenticator: any Authenticator
    private var token: [UInt8] = []
    private var identity: LaneIdentity?
    private var changes: UInt64 = 0

    private static let scheme: StaticString = "Bearer "

    package init(_ callers: LaneCallers) { authenticator = callers.authenticator }

    /// The caller; nil where the normal pipeline has to find out, or to refuse.
    mutating func identity(_ request: WireRequest, _ bytes: UnsafeRawBufferPointer) -> LaneIdentity? {
        guard authenticator.isOn else { return request.authorization == nil ? .unchecked : nil }
        guard let place = request.authorization else { return nil }
        let field = UnsafeRawBufferPointer(rebasing: bytes[place])
        if let identity, authenticator.changes == changes, isSame(field), time(nil) < identity.expiresAt {
            return identity
        }
        return look(field)
    }

    private func isSame(_ field: UnsafeRawBufferPointer) -> Bool {
        token.withUnsafeBytes { token in
            let count = token.count
            guard field.count == count, count >= 8 else { return false }
            var difference: UInt64 = 0
            var place = 0
            while place <= count - 8 {
                difference |= token.word(at: place) ^ field.word(at: place)
                place += 8
            }
            // The last word may lie over the one before.
            return difference | (token.word(at: count - 8) ^ field.word(at: count - 8)) == 0
        }
    }

    private mutating func look(_ field: UnsafeRawBufferPointer) -> LaneIdentity? {
        identity = nil
        let scheme = Self.scheme.utf8CodeUnitCount
        guard field.count > scheme, UnsafeRawBufferPointer(rebasing: field[..<scheme]).holds(Self.scheme),
            let found = AccessToken(parsing: UnsafeRawBufferPointer(rebasing: field[scheme...]))
        else { return nil }
        // Before the table is read: what changes meanwhile is seen by the next request.
        changes = authenticator.changes
        guard let entry = authenticator.table.entry(found, at: Timestamp.now().milliseconds) else { return nil }
        authenticator.noteUse(of: found.id)
        token = Array(field)
        identity = LaneIdentity(entry.principal, expiresAt: entry.expiresAt.map { $0 / 1000 } ?? .max)
        return identity
    }
}

extension UnsafeRawBufferPointer {
    /// The eight bytes from a place on, which must all be there.
    func word(at place: Int) -> UInt64 { loadUnaligned(fromByteOffset: place, as: UInt64.self) }
}
