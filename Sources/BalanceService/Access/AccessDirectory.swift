package import BalanceCore
import BalanceSystem
import Crypto
import Foundation
import Synchronization

/// Knows the accounts and tokens of now, and tells who somebody is.
///
/// The table is immutable and replaced as a whole: at once where this process changes something, and a tenth of a second later
/// where another one does.
package final class AccessDirectory: Authenticator {
    private let store: any AccountStore
    private let signIn: SignIn
    let running = RunningSignIns()
    private let known = Mutex(AccessTable.empty)
    private let counter = Atomic<UInt64>(0)
    private let uses = Mutex(TokenUses())
    private let refusals = Mutex<[String: Int]>([:])
    private let isAsking: Atomic<Bool>
    private let followsAccounts: Bool

    /// - Parameters:
    ///   - store: What is kept.
    ///   - isOn: Whether requests are asked who they come from.
    ///   - followsAccounts: Whether they are as soon as there is an account.
    ///   - acceptsPasswords: Whether programs may show the password of an account.
    ///   - runner: Where passwords are hashed.
    package init(
        store: any AccountStore,
        isOn: Bool,
        followsAccounts: Bool = false,
        acceptsPasswords: Bool,
        runner: any PredictionRunner
    ) {
        self.store = store
        isAsking = Atomic(isOn)
        self.followsAccounts = followsAccounts
        signIn = SignIn(store: store, runner: runner, running: running)
        self.acceptsPasswords = acceptsPasswords
    }

    private let acceptsPasswords: Bool
    private let passwords = PasswordCache()

    package var isOn: Bool { isAsking.load(ordering: .acquiring) }

    package var changes: UInt64 { counter.load(ordering: .acquiring) }

    package var table: AccessTable { known.withLock { $0 } }

    /// Reads the table anew.
    package func refresh() async throws {
        let fresh = try await store.accessTable()
        known.withLock { if fresh.revision >= $0.revision { $0 = fresh } }
        if followsAccounts, !fresh.isEmpty { isAsking.store(true, ordering: .releasing) }
        counter.add(1, ordering: .acquiringAndReleasing)
    }

    /// Reads the table anew where it was changed, and writes down which tokens were used.
    package func look() async throws {
        if try await store.accessRevision() != table.revision { try await refresh() }
        let used = uses.withLock { $0.take() }
        if !used.isEmpty { try await store.noteUse(of: used) }
    }

    package func principal(_ credential: Credential, from address: String) async throws -> Principal {
        let now = Timestamp.now()
        switch credential {
        case .token(let token):
            guard let entry = table.entry(token, at: now.milliseconds) else {
                throw Failure(
                    .unauthenticated,
                    "the token is not valid: it is unknown, revoked or expired",
                    hint: "make a new one: on your account's page, or with balanceops tokens create"
                )
            }
            noteUse(of: token.id)
            return entry.principal
        case .session(let cookie):
            guard let found = try await store.session(ContentHash.of(Array(cookie.utf8)), at: now) else {
                throw Failure(.unauthenticated, "the sign-in has ended", hint: "sign in again")
            }
            return found.account.principal(.session)
        case .proxy(let name):
            guard let account = table.account(named: name), account.kind == .person else {
                throw Failure(
                    .unauthenticated,
                    "the proxy names '\(name.prefix(80))', who has no account",
                    hint: "ask an admin: balanceops users add \(name.prefix(80)) --role viewer"
                )
            }
            return account.principal(.proxy)
        case .password(let name, let password): return try await checked(name, password, from: address)
        }
    }

    /// A program that shows a password with each request: it is hashed once a minute.
    private func checked(_ name: String, _ password: String, from address: String) async throws -> Principal {
        guard acceptsPasswords else {
            throw Failure(
                .unauthenticated,
                "passwords are accepted on the sign-in page only",
                hint: "use a token as the password: balanceops tokens create"
            )
        }
        let table = self.table
        if passwords.holds(name, password, revision: table.revision), let account = table.account(named: name) {
            return account.principal(.password)
        }
        do {
            let signIn = self.signIn
            let account = try await passwords.checking(name, password, revision: table.revision) {
                try await signIn.account(named: name, password: password, from: address)
            }
            return account.principal(.password)
        } catch let failure as Failure where failure.code == .tooManyAttempts {
            // Clients try again at 429, for minutes; what they have to do is to change the password.
            throw Failure(.unauthenticated, failure.message, hint: failure.hint)
        }
    }

    package func noteUse(of tokenID: String) {
        uses.withLock { $0.note(tokenID, at: .now()) }
    }

    package func noteRefusal(_ permission: Permission, of subject: String, by actor: Actor) async {
        let key = "\(actor.accountID ?? actor.name)\n\(permission.rawValue)\n\(subject)"
        let now = Timestamp.now().milliseconds
        let isNew = refusals.withLock { seen in
            if seen.count > 1000 { seen = seen.filter { now - $0.value < 60_000 } }
            guard seen.count <= 1000, seen[key].map({ now - $0 > 60_000 }) ?? true else { return false }
            seen[key] = now
            return true
        }
        if isNew { try? await store.recordRefusal(permission, of: subject, by: actor) }
    }
}

/// Which tokens were used, to be written down once an hour.
private struct TokenUses {
    private var noted: [String: Int] = [:]
    private var waiting: [String: Timestamp] = [:]

    private static let interval = 3_600_000
    private static let maximum = 100_000

    mutating func note(_ id: String, at now: Timestamp) {
        guard noted[id].map({ now.milliseconds - $0 > Self.interval }) ?? true else { return }
        if noted.count > Self.maximum { noted = [:] }
        noted[id] = now.milliseconds
        waiting[id] = now
    }

    mutating func take() -> [String: Timestamp] {
        defer { waiting = [:] }
        return waiting
    }
}

/// Passwords that were right a moment ago, as keyed hashes.
private final class PasswordCache: Sendable {
    private let key = SymmetricKey(size: .bits256)
    private let entries = Mutex<[Data: (until: UInt64, revision: Int)]>([:])
    /// The checks on their way: a client that sends many requests at once is one check and not many guesses.
    private let running = Mutex<[Data: Task<Account, any Error>]>([:])

    private static let time: UInt64 = 60_000_000_000
    private static let maximum = 1000

    func holds(_ name: String, _ password: String, revision: Int) -> Bool {
        let mark = mark(name, password)
        return entries.withLock { entries in
            guard let entry = entries[mark] else { return false }
            return entry.revision == revision && Monotonic.now() < entry.until
        }
    }

    /// Checks a password, or waits for the check of the same one, and keeps it where it is right.
    func checking(
        _ name: String,
        _ password: String,
        revision: Int,
        _ check: @escaping @Sendable () async throws -> Account
    ) async throws -> Account {
        let mark = mark(name, password)
        let task = running.withLock { running in
            if let known = running[mark] { return known }
            let fresh = Task { [self] in
                defer { finish(mark) }
                let account = try await check()
                keep(mark, revision)
                return account
            }
            running[mark] = fresh
            return fresh
        }
        return try await task.value
    }

    private func finish(_ mark: Data) { running.withLock { $0[mark] = nil } }

    private func keep(_ mark: Data, _ revision: Int) {
        entries.withLock { entries in
            if entries.count >= Self.maximum { entries = [:] }
            entries[mark] = (Monotonic.now() &+ Self.time, revision)
        }
    }

    /// The lengths keep one pair from being taken for another.
    private func mark(_ name: String, _ password: String) -> Data {
        let text = "\(name.utf8.count) \(name) \(password.utf8.count) \(password)"
        return Data(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key))
    }
}
