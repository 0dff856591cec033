/// Where accounts, grants, tokens, sessions and failed sign-ins are kept; each change is a line of the audit trail.
package protocol AccountStore: Sendable {
    /// Everything that requests are judged by.
    func accessTable() async throws -> AccessTable
    /// Counts the changes of it; cheap to ask.
    func accessRevision() async throws -> Int

    /// The accounts by name; those that were deleted are not among them.
    func accounts() async throws -> [Account]
    /// - Throws: `Failure` with code `resourceNotFound`.
    func account(named name: String) async throws -> Account
    /// - Throws: `Failure` with code `alreadyExists`, also for a name that a deleted account had.
    func create(_ account: Account, password: String?, by actor: Actor) async throws
    /// The account of an identity provider's subject; made where there is none, with these grants instead of those that came
    /// from it before.
    func adopt(
        issuer: String,
        subject: String,
        name: String,
        displayName: String?,
        grants: [Grant],
        by actor: Actor
    ) async throws -> Account
    func passwordHash(of id: String) async throws -> String?
    /// Ends all other sessions of the account.
    func setPassword(_ hash: String, of id: String, keeping session: String?, by actor: Actor) async throws
    /// The same password under newer parameters: nothing else changes.
    func upgradePassword(_ hash: String, from old: String, of id: String) async throws
    /// - Throws: `Failure` with code `modelInUse` for the last admin.
    func setDisabled(_ isDisabled: Bool, _ name: String, keepsAdmin: Bool, by actor: Actor) async throws
    func delete(_ name: String, keepsAdmin: Bool, by actor: Actor) async throws
    func grant(_ grant: Grant, to name: String, by actor: Actor) async throws
    func revoke(_ grant: Grant, from name: String, keepsAdmin: Bool, by actor: Actor) async throws

    /// The tokens of an account, or all; the newest first.
    func tokens(of accountID: String?) async throws -> [TokenRecord]
    func add(_ token: TokenRecord, by actor: Actor) async throws
    /// - Throws: `Failure` with code `resourceNotFound`.
    func revokeToken(_ id: String, of accountID: String?, by actor: Actor) async throws
    /// Gives a token another secret; the one before holds until a time.
    func rotate(_ id: String, of accountID: String?, to digest: String, until: Timestamp, by actor: Actor) async throws
    func noteUse(of tokens: [String: Timestamp]) async throws

    func begin(_ session: Session, by actor: Actor) async throws
    /// The session and its account; nil where it does not hold any more.
    func session(_ id: String, at now: Timestamp) async throws -> (session: Session, account: Account)?
    func sessions(of accountID: String, at now: Timestamp) async throws -> [Session]
    /// Ends one session, or all of an account.
    func end(session id: String?, of accountID: String, by actor: Actor) async throws

    /// How often a sign-in failed lately under each key, and when last.
    func failures(_ keys: [String], since: Timestamp) async throws -> [String: (count: Int, last: Timestamp)]
    /// Counts a failure under each key; the first of a minute for an account is a line of the trail.
    func recordFailure(_ keys: [String], account: String, window: Int, by actor: Actor) async throws
    func clearFailures(_ keys: [String]) async throws

    /// Adds a line to the trail: something that was refused.
    func recordRefusal(_ permission: Permission, of subject: String, by actor: Actor) async throws
    /// Adds a line to the trail: a server runs without asking although there are accounts.
    func recordOpened(by actor: Actor) async throws
    /// The hash of the code that makes the first admin, and until when it holds.
    func setSetupCode(_ digest: String, until: Timestamp) async throws
    func setupCode() async throws -> (digest: String, until: Timestamp)?
    /// Ends the code; false where somebody else was first.
    func takeSetupCode(_ digest: String) async throws -> Bool
    /// Makes grants of what the tags `role:NAME` of models say of accounts that there are, and takes it out of the tags.
    func migrateRoleTags() async throws
}
