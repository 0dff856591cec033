import BalanceCore
import BalanceStore
import BalanceSystem
import BalanceTestSupport
import Testing

@testable import BalanceService

/// Accounts, passwords and sign-ins on a real database.
struct AccountTests {
    private struct AtOnce: PredictionRunner {
        func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value { try body() }
    }

    private let folder: TemporaryFolder
    private let store: SQLAccountStore
    private let registry: SQLRegistryStore
    private let accounts: AccountService
    private let directory: AccessDirectory
    private let actor = Actor(name: "test")
    private let admin = Grant(role: .admin, scope: .everything)
    private let client = AccountService.Client(address: "192.0.2.1", agent: "test")

    init() throws {
        folder = try TemporaryFolder()
        let database = try SQLiteDatabase(path: folder("b.db"))
        store = SQLAccountStore(database: database, key: nil)
        registry = SQLRegistryStore(database: database, key: nil)
        directory = AccessDirectory(store: store, isOn: true, acceptsPasswords: true, runner: AtOnce())
        var accounts = AccountService(store: store, directory: directory, runner: AtOnce())
        accounts.cost = .init(rounds: 10)
        self.accounts = accounts
    }

    /// What a failure is of; nil: there is none.
    private func code(_ body: () async throws -> Void) async -> Failure.Code? {
        do { try await body() } catch { return Failure.from(error).code }
        return nil
    }

    private func add(_ name: String, _ grants: [Grant], password: String? = nil) async throws -> Account {
        var new = AccountService.NewAccount(name: name)
        new.grants = grants
        new.password = password
        return try await accounts.create(new, by: actor)
    }

    @Test func `a password is kept as its hash and judged by it`() throws {
        let hash = try PasswordHash(of: "a long sentence", cost: .init(rounds: 10))
        let kept = try #require(PasswordHash(hash.text))
        #expect(hash.text.hasPrefix("scrypt$10$8$1$"))
        #expect(kept.matches("a long sentence"))
        #expect(!kept.matches("a long sentence "))
        #expect(try PasswordHash(of: "a long sentence", cost: .init(rounds: 10)).text != hash.text)
        // Two ways to write a letter are one password.
        #expect(
            try PasswordHash(of: "caf\u{e9} au lait, please", cost: .init(rounds: 10)).matches(
                "cafe\u{301} au lait, please"
            )
        )
        for text in ["", "scrypt$10$8$1$x", "scrypt$30$8$1$AAAA$AAAA", "bcrypt$10$8$1$AAAA$AAAA", hash.text + "$"] {
            #expect(PasswordHash(text) == nil)
        }
    }

    @Test(arguments: [
        "short", "passwordpassword", "aaaaaaaaaaaa", "01234567890123", "kim-kim-kim1",
        String(repeating: "ab1c", count: 70),
    ])
    func `a password that is guessed first is refused`(_ password: String) async throws {
        await #expect(throws: Failure.self) { try await add("kim", [], password: password) }
        #expect(try await store.accounts().isEmpty)
    }

    @Test func `a hash of lesser cost is made anew at the next sign-in`() async throws {
        let account = try await add("kim", [admin], password: "a long sentence")
        let old = try PasswordHash(of: "a long sentence", cost: .init(rounds: 11)).text
        try await store.setPassword(old, of: account.id, keeping: nil, by: actor)
        _ = try await accounts.signIn(name: "kim", password: "a long sentence", client)
        let fresh = try #require(try await store.passwordHash(of: account.id).flatMap(PasswordHash.init))
        #expect(fresh.cost == .init(rounds: 10))
    }

    @Test func `guesses are slowed at their address and nowhere else`() async throws {
        _ = try await add("kim", [admin], password: "a long sentence")
        for _ in 0..<10 {
            await #expect(throws: Failure.self) { try await accounts.signIn(name: "kim", password: "wrong", client) }
        }
        #expect(
            await code { _ = try await accounts.signIn(name: "kim", password: "a long sentence", client) }
                == .tooManyAttempts
        )
        let elsewhere = AccountService.Client(address: "198.51.100.7", agent: "")
        _ = try await accounts.signIn(name: "kim", password: "a long sentence", elsewhere)
        let failed = try await registry.auditEvents(subject: "kim", before: nil, limit: 50)
            .filter { $0.kind == .signInFailed }
        #expect(failed.count == 1)
    }

    @Test func `an unknown name and a wrong password are one answer`() async throws {
        _ = try await add("kim", [admin], password: "a long sentence")
        func message(_ name: String) async -> String {
            do { return try await accounts.signIn(name: name, password: "wrong", client) } catch { return "\(error)" }
        }
        let (known, unknown) = (await message("kim"), await message("min"))
        #expect(known == unknown)
    }

    @Test func `a new password ends the other sign-ins and keeps this one`() async throws {
        let account = try await add("kim", [admin], password: "a long sentence")
        let cookies = [
            try await accounts.signIn(name: "kim", password: "a long sentence", client),
            try await accounts.signIn(name: "kim", password: "a long sentence", client),
        ]
        let own = ContentHash.of(Array(cookies[0].utf8))
        try await accounts.setPassword("another sentence", of: "kim", keeping: own, by: actor)
        #expect(try await store.sessions(of: account.id, at: .now()).map(\.id) == [own])
        await #expect(throws: Failure.self) { try await directory.principal(.session(cookies[1]), from: "") }
        #expect(try await directory.principal(.session(cookies[0]), from: "").name == "kim")
        // Nobody who reads the database can use what they find.
        await #expect(throws: Failure.self) { try await directory.principal(.session(own), from: "") }
    }

    @Test func `a sign-in ends unused after half a day and at last after a week`() {
        var session = Session(id: "x", accountID: "a", createdAt: Timestamp(milliseconds: 0), address: "", agent: "")
        #expect(session.holds(at: Timestamp(milliseconds: Session.idle - 1)))
        #expect(!session.holds(at: Timestamp(milliseconds: Session.idle)))
        session.seenAt = Timestamp(milliseconds: Session.longest - 1)
        #expect(session.holds(at: Timestamp(milliseconds: Session.longest - 1)))
        #expect(!session.holds(at: Timestamp(milliseconds: Session.longest)))
    }

    @Test func `the last admin stays, and a deleted name is not given again`() async throws {
        _ = try await add("kim", [admin])
        for change in [
            { try await accounts.setDisabled(true, "kim", keepsAdmin: true, by: actor) },
            { try await accounts.delete("kim", keepsAdmin: true, by: actor) },
            { try await accounts.revoke(admin, from: "kim", keepsAdmin: true, by: actor) },
        ] as [() async throws -> Void] {
            #expect(await code { _ = try await change() } == .modelInUse)
        }
        _ = try await add("min", [admin])
        try await accounts.delete("kim", keepsAdmin: true, by: actor)
        #expect(await code { _ = try await add("kim", []) } == .alreadyExists)
        #expect(directory.table.account(named: "kim") == nil)
    }

    @Test func `a token holds until it is revoked, expires, or its account or its owner is disabled`() async throws {
        _ = try await add("kim", [admin])
        _ = try await add("boss", [admin])
        var service = AccountService.NewAccount(name: "ci")
        service.kind = .service
        service.owner = "kim"
        service.grants = [Grant(role: .writer, scope: .everything)]
        _ = try await accounts.create(service, by: actor)
        let made = try await accounts.createToken(.init(note: "n", days: 1), for: "ci", by: actor)
        let token = try #require(AccessToken(parsing: made.text))
        let now = Timestamp.now().milliseconds
        #expect(directory.table.entry(token, at: now)?.principal.name == "ci")
        #expect(directory.table.entry(token, at: now + 86_500_000) == nil)
        try await accounts.setDisabled(true, "kim", keepsAdmin: true, by: actor)
        #expect(directory.table.entry(token, at: now) == nil)
        try await accounts.setDisabled(false, "kim", keepsAdmin: true, by: actor)
        let other = try #require(
            AccessToken(parsing: try await accounts.rotateToken(token.id, of: nil, hours: 1, by: actor))
        )
        #expect(directory.table.entry(token, at: now + 3_000_000) != nil)
        #expect(directory.table.entry(token, at: now + 3_700_000) == nil)
        #expect(directory.table.entry(other, at: now + 3_700_000) != nil)
        try await accounts.revokeToken(token.id, of: nil, by: actor)
        #expect(directory.table.entry(other, at: now) == nil)
        let before = directory.changes
        await #expect(throws: Failure.self) { try await accounts.revokeToken("nosuch", of: nil, by: actor) }
        #expect(directory.changes == before)
    }

    @Test func `somebody whom a provider knows never gets the account of a name`() async throws {
        let local = try await add("kim", [admin])
        func arrive(_ subject: String, _ grants: [Grant]) async throws -> Account {
            try await store.adopt(
                issuer: "https://id",
                subject: subject,
                name: "kim",
                displayName: nil,
                grants: grants,
                by: actor
            )
        }
        let first = try await arrive("s1", [Grant(role: .writer, scope: .everything)])
        #expect(first.id != local.id)
        #expect(first.name.hasPrefix("kim-"))
        #expect(try await arrive("s2", []).id != first.id)
        let byHand = Grant(role: .approver, scope: .everything)
        try await store.grant(byHand, to: first.name, by: actor)
        let again = try await arrive("s1", [Grant(role: .viewer, scope: .everything)])
        #expect(again.id == first.id)
        #expect(Set(again.grants.map(\.role)) == [.viewer, .approver])
    }

    @Test func `tags that gave roles become grants once there is an account`() async throws {
        let now = Timestamp.now()
        let model = RegisteredModel(
            name: "credit",
            description: nil,
            createdAt: now,
            updatedAt: now,
            tags: [KeyValue(key: "role:owner", value: "Kim, jin"), KeyValue(key: "team", value: "a")]
        )
        _ = try await registry.createModel(model, by: actor)
        let account = try await add("kim", [])
        let title = Grant(role: .approver, scope: .model(ByteText("credit")), title: "owner")
        #expect(account.grants == [title])
        #expect(try await registry.model("credit").tags.first { $0.key == "role:owner" }?.value.contains("jin") == true)
        await #expect(throws: Failure.self) {
            try await registry.setTag(KeyValue(key: "role:owner", value: "eve"), ofModel: "credit", by: actor)
        }
        // A grant is on this model, not on whatever has its name later.
        _ = try await registry.renameModel("credit", to: "loans", by: actor, at: now)
        #expect(try await store.account(named: "kim").grants.map(\.scope.text) == ["model:loans"])
        try await registry.deleteModel("loans", by: actor)
        #expect(try await store.account(named: "kim").grants.isEmpty)
    }

    @Test func `many requests with one right password at once are one check`() async throws {
        _ = try await add("kim", [admin], password: "a long sentence")
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await directory.principal(
                        .password(name: "kim", password: "a long sentence"),
                        from: "192.0.2.9"
                    ).name
                }
            }
            for try await name in group { #expect(name == "kim") }
        }
    }
}
