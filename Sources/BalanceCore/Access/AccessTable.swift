/// The accounts and tokens of one moment, as every request is judged by them.
package struct AccessTable: Sendable {
    /// A token that holds.
    package struct Entry: Sendable {
        package var principal: Principal
        /// In milliseconds since 1970; nil: never.
        package var expiresAt: Int?
    }

    /// Counts changes.
    package let revision: Int
    /// By the digest: what a stranger can make of a text tells nothing of the secrets behind others.
    private let tokens: [String: Entry]
    private let accounts: [String: Account]
    private let names: [String: String]

    package static let empty = AccessTable(revision: -1, accounts: [], tokens: [])

    package init(revision: Int, accounts: [Account], tokens: [TokenRecord]) {
        self.revision = revision
        let active = accounts.filter(\.isActive)
        let known = Dictionary(active.map { ($0.id, $0) }) { first, _ in first }
        self.accounts = known
        names = Dictionary(active.map { ($0.name, $0.id) }) { first, _ in first }
        var entries: [String: Entry] = [:]
        for token in tokens where token.revokedAt == nil {
            // A program whose person is gone is nobody's any more.
            guard let account = known[token.accountID], account.owner.map({ known[$0] != nil }) ?? true else {
                continue
            }
            let principal = account.principal(.token, token: token.id, limit: token.limit)
            for digest in token.digests {
                entries[digest] = Entry(
                    principal: principal,
                    expiresAt: token.expires(digest)?.milliseconds
                )
            }
        }
        self.tokens = entries
    }

    /// Whether there is anybody who may sign in.
    package var isEmpty: Bool { accounts.isEmpty }

    /// Whether somebody may manage accounts.
    package var hasAdmin: Bool { accounts.values.contains(where: \.managesAccounts) }

    package func account(named name: String) -> Account? { names[name].flatMap { accounts[$0] } }

    /// The token's entry; nil for one that is unknown, revoked, or expired at that moment.
    package func entry(_ token: AccessToken, at now: Int) -> Entry? {
        guard let entry = tokens[token.digest], entry.expiresAt.map({ now < $0 }) ?? true else { return nil }
        return entry
    }
}
