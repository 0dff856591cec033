/// What a request shows to prove who it comes from.
package enum Credential: Sendable {
    case token(AccessToken)
    /// What the cookie of a browser holds.
    case session(String)
    case password(name: String, password: String)
    /// The name that a proxy which is trusted gives.
    case proxy(String)
}

/// Tells who somebody is.
package protocol Authenticator: Sendable {
    /// Whether there are accounts; without, everybody may do everything.
    var isOn: Bool { get }
    /// Counts the tables; asking takes no lock.
    var changes: UInt64 { get }
    /// The accounts and tokens of now.
    var table: AccessTable { get }
    /// Who shows a credential; failures are counted by the address that the request comes from.
    ///
    /// - Throws: `Failure` with code `unauthenticated`.
    func principal(_ credential: Credential, from address: String) async throws -> Principal
    /// Remembers that a token was used.
    func noteUse(of tokenID: String)
    /// Records a move that was refused, once a minute for each account and subject.
    func noteRefusal(_ permission: Permission, of subject: String, by actor: Actor) async
}
