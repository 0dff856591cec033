package import BalanceCore
import Foundation

/// Tells the fast lanes who sends a request.
package struct LaneCallers: Sendable {
    fileprivate let authenticator: any Authenticator

    package init(_ authenticator: any Authenticator) { self.authenticator = authenticator }
}

/// Who sends the requests of one connection: most send the same token with each, which is looked up once.
///
/// What was found holds until accounts change or the token expires; comparing with it takes as long for any token.
package struct LaneCaller {
    private let authenticator: any Authenticator
    private let isOn: Bool
    private var token: [UInt8] = []
    private var principal: Principal?
    private var changes: UInt64 = 0
    private var expiresAt = Int.max

    private static let scheme: StaticString = "Bearer "

    package init(_ callers: LaneCallers) {
        authenticator = callers.authenticator
        isOn = callers.authenticator.isOn
    }

    /// The caller; nil where the normal pipeline has to find out, or to refuse.
    mutating func principal(_ request: WireRequest, _ bytes: UnsafeRawBufferPointer) -> Principal? {
        guard isOn else { return request.authorization == nil ? .unchecked : nil }
        guard let place = request.authorization else { return nil }
        let field = UnsafeRawBufferPointer(rebasing: bytes[place])
        let now = time(nil)
        if let principal, authenticator.changes == changes, now < expiresAt, isSame(field) { return principal }
        return look(field, now)
    }

    private func isSame(_ field: UnsafeRawBufferPointer) -> Bool {
        guard field.count == token.count else { return false }
        var difference: UInt8 = 0
        token.withUnsafeBufferPointer { token in
            for index in 0..<token.count { difference |= token[index] ^ field[index] }
        }
        return difference == 0
    }

    private mutating func look(_ field: UnsafeRawBufferPointer, _ now: Int) -> Principal? {
        principal = nil
        let scheme = Self.scheme.utf8CodeUnitCount
        guard field.count > scheme, UnsafeRawBufferPointer(rebasing: field[..<scheme]).holds(Self.scheme),
            let found = AccessToken(parsing: UnsafeRawBufferPointer(rebasing: field[scheme...]))
        else { return nil }
        // Before the table is read: what changes meanwhile is seen by the next request.
        changes = authenticator.changes
        guard let entry = authenticator.table.entry(found, at: now * 1000) else { return nil }
        authenticator.noteUse(of: found.id)
        token = Array(field)
        principal = entry.principal
        expiresAt = entry.expiresAt.map { $0 / 1000 } ?? .max
        return principal
    }
}
