import Foundation
import BalanceSystem
package import BalanceCore

/// What people and programs do with accounts, tokens and sign-ins, by whatever door.
package struct AccountService: Sendable {
    package let store: any AccountStore
    package let directory: AccessDirectory
    private let runner: any PredictionRunner
    /// What the hash of a password costs.
    var cost = PasswordHash.Cost.standard

    package init(store: any AccountStore, directory: AccessDirectory, runner: any PredictionRunner) {
        self.store = store
        self.directory = directory
        self.runner = runner
    }

    /// A change, which holds in this process before it is answered.
    private func change<Value>(_ body: () async throws -> Value) async throws -> Value {
        let value = try await body()
        try await directory.refresh()
        return value
    }

    // MARK: - Accounts

    /// What a new account is.
    package struct NewAccount: Sendable {
        package var name: String
        package var kind = Account.Kind.person
        package var displayName: String?
        package var password: String?
        package var grants: [Grant] = []
        /// The person that a program belongs to.
        package var owner: String?

        package init(name: String) { self.name = name }
    }

    /// - Throws: `Failure` with code `invalidArgument`, `invalidParameter` or `alreadyExists`.
    package func create(_ new: NewAccount, by actor: Actor) async throws -> Account {
        try await create(new, by: actor) {}
    }

    /// Creates it where, behind all that is checked of it, one thing more holds.
    private func create(
        _ new: NewAccount,
        by actor: Actor,
        _ lastly: () async throws -> Void
    ) async throws -> Account {
        let name = try AccountName.checked(new.name)
        var account = Account(id: RunID().stored, name: name, kind: new.kind, createdAt: .now(), grants: new.grants)
        account.displayName = new.displayName
        if new.kind == .service {
            guard new.password == nil else {
                throw Failure(.invalidParameter, "a service has no password", hint: "give it a token")
            }
            account.owner = try await new.owner.mapAsync { try await store.account(named: $0).id } ?? actor.accountID
        }
        let hash = try await new.password.mapAsync { try await self.hash($0, of: name) }
        try await lastly()
        return try await change {
            try await store.create(account, password: hash, by: actor)
            try await store.migrateRoleTags()
            return try await store.account(named: name)
        }
    }

    /// Makes the first admin, for whoever has the code that the server printed.
    ///
    /// - Throws: `Failure` with code `permissionDenied` for a code that does not hold.
    package func createFirstAdmin(name: String, password: String, code: String) async throws -> Account {
        let known = try await store.setupCode()
        guard let known, known.until > .now(), known.digest == ContentHash.of(Array(code.utf8)),
            !directory.table.hasAdmin
        else { throw Self.usedLink }
        var new = NewAccount(name: name)
        new.password = password
        new.grants = [Grant(role: .admin, scope: .everything)]
        return try await create(new, by: Actor(name: "first sign-in")) {
            // Of two who have it, one.
            guard try await store.takeSetupCode(known.digest) else { throw Self.usedLink }
        }
    }

    private static let usedLink = Failure(
        .permissionDenied,
        "the link has been used or has expired",
        hint: "balanceops users add NAME --role admin on the server's files, or restart it for a new link"
    )

    /// A code that lets the first admin sign in, for an hour; nil where there is an admin.
    package func setupCode() async throws -> String? {
        guard !directory.table.hasAdmin else { return nil }
        let code = Secret.text(bytes: 16)
        let until = Timestamp(milliseconds: Timestamp.now().milliseconds + 3_600_000)
        try await store.setSetupCode(ContentHash.of(Array(code.utf8)), until: until)
        return code
    }

    package func setPassword(
        _ password: String,
        of name: String,
        keeping session: String? = nil,
        by actor: Actor
    ) async throws {
        let account = try await store.account(named: name)
        guard account.kind == .person else {
            throw Failure(.invalidParameter, "'\(name)' is a service: it has no password", hint: "give it a token")
        }
        let hash = try await hash(password, of: name)
        try await change { try await store.setPassword(hash, of: account.id, keeping: session, by: actor) }
    }

    private func hash(_ password: String, of name: String) async throws -> String {
        try PasswordRules.check(password, of: name)
        let cost = self.cost
        return try await runner.run { try PasswordHash(of: password, cost: cost).text }
    }

    package func setDisabled(_ isDisabled: Bool, _ name: String, keepsAdmin: Bool, by actor: Actor) async throws {
        try await change { try await store.setDisabled(isDisabled, name, keepsAdmin: keepsAdmin, by: actor) }
    }

    package func delete(_ name: String, keepsAdmin: Bool, by actor: Actor) async throws {
        try await change { try await store.delete(name, keepsAdmin: keepsAdmin, by: actor) }
    }

    package func grant(_ grant: Grant, to name: String, by actor: Actor) async throws {
        try await change { try await store.grant(grant, to: name, by: actor) }
    }

    package func revoke(_ grant: Grant, from name: String, keepsAdmin: Bool, by actor: Actor) async throws {
        try await change { try await store.revoke(grant, from: name, keepsAdmin: keepsAdmin, by: actor) }
    }

    // MARK: - Tokens

    /// What a new token is.
    package struct NewToken: Sendable {
        package var note: String
        package var limit: TokenLimit
        /// nil: it does not expire.
        package var days: Int?

        package init(note: String, limit: TokenLimit = TokenLimit(), days: Int? = 90) {
            self.note = note
            self.limit = limit
            self.days = days
        }
    }

    /// A token of an account, whose text is known now and never again.
    ///
    /// - Throws: `Failure` with code `invalidParameter`.
    package func createToken(
        _ new: NewToken,
        for name: String,
        by actor: Actor
    ) async throws -> (text: String, record: TokenRecord) {
        guard new.note.isOneLine, new.note.utf8.count <= 200 else {
            throw Failure(.invalidParameter, "invalid note: use at most 200 bytes on one line")
        }
        if let days = new.days, !(1...365).contains(days) {
            throw Failure(.invalidParameter, "invalid expiry of \(days) days", hint: "use 1 to 365 days")
        }
        let account = try await store.account(named: name)
        let token = AccessToken(random: Secret.bytes(44))
        let now = Timestamp.now()
        let record = TokenRecord(
            id: token.id,
            accountID: account.id,
            note: new.note,
            digest: token.digest,
            limit: new.limit,
            createdAt: now,
            expiresAt: new.days.map(now.addingDays)
        )
        try await change { try await store.add(record, by: actor) }
        return (token.text, record)
    }

    /// Ends a token of an account; nil: of anybody.
    package func revokeToken(_ id: String, of account: String?, by actor: Actor) async throws {
        try await change { try await store.revokeToken(id, of: account, by: actor) }
    }

    /// Another secret for a token with the same id; the one before holds for so many hours.
    package func rotateToken(_ id: String, of account: String?, hours: Int, by actor: Actor) async throws -> String {
        guard (0...168).contains(hours) else {
            throw Failure(.invalidParameter, "invalid grace time of \(hours) hours", hint: "use 0 to 168")
        }
        let token = AccessToken(id: id, random: Secret.bytes(33))
        let until = Timestamp(milliseconds: Timestamp.now().milliseconds + hours * 3_600_000)
        try await change { try await store.rotate(id, of: account, to: token.digest, until: until, by: actor) }
        return token.text
    }

    // MARK: - Sign-ins

    /// Signs a person in with a password.
    ///
    /// - Returns: What the browser's cookie is to hold.
    package func signIn(name: String, password: String, _ client: Client) async throws -> String {
        let account = try await SignIn(store: store, runner: runner, running: directory.running, cost: cost).account(
            named: name,
            password: password,
            from: client.address
        )
        return try await begin(account, client)
    }

    /// Where a browser is, as far as is known.
    package struct Client: Sendable {
        package var address: String
        package var agent: String

        package init(address: String, agent: String) {
            self.address = address
            self.agent = agent
        }
    }

    /// Begins a session for somebody who has proved who they are.
    package func begin(_ account: Account, _ client: Client) async throws -> String {
        let cookie = Secret.text(bytes: 32)
        let session = Session(
            id: ContentHash.of(Array(cookie.utf8)),
            accountID: account.id,
            createdAt: .now(),
            address: client.address,
            agent: String(client.agent.oneLine.prefix(200))
        )
        var actor = Actor(name: account.name)
        actor.accountID = account.id
        try await store.begin(session, by: actor)
        return cookie
    }

    /// Checks a password again before something that matters.
    package func confirm(_ name: String, password: String, _ client: Client) async throws {
        _ = try await SignIn(store: store, runner: runner, running: directory.running, cost: cost).account(
            named: name,
            password: password,
            from: client.address
        )
    }
}

/// Random texts that are secrets.
package enum Secret {
    package static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// So many random bytes in the letters of URLs.
    package static func text(bytes count: Int) -> String { text(of: bytes(count)) }

    /// Bytes in the letters of URLs (RFC 4648, 5), without padding.
    package static func text(of bytes: [UInt8]) -> String {
        let letters = ["+": "-", "/": "_", "=": ""]
        return Data(bytes).base64EncodedString().map { letters[$0.description] ?? $0.description }.joined()
    }
}

extension Optional where Wrapped: Sendable {
    fileprivate func mapAsync<Value>(_ body: (Wrapped) async throws -> Value) async rethrows -> Value? {
        guard let self else { return nil }
        return try await body(self)
    }
}
