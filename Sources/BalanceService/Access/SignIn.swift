import BalanceCore
import BalanceSystem
import Synchronization

/// Checks passwords, slowly and not too often.
struct SignIn: Sendable {
    let store: any AccountStore
    let runner: any PredictionRunner
    let running: RunningSignIns
    var cost = PasswordHash.Cost.standard

    /// How far back failures count, in milliseconds.
    private static let window = 15 * 60_000
    /// How many there may be before each further one has to wait.
    private static let perAccount = 10
    private static let perAddress = 100

    /// What an unknown name is compared with, so that it takes as long.
    private static let nobody = try? PasswordHash(of: "nobody has this one", cost: .standard)

    /// The account of a name and its password.
    ///
    /// Failures are counted for a name at an address, and for an address: nobody keeps the account's owner out from elsewhere.
    ///
    /// - Throws: `Failure` with code `unauthenticated` or `tooManyAttempts`.
    func account(named name: String, password: String, from address: String) async throws -> Account {
        let keys = ["account \(name.prefix(64)) \(address)", "address \(address)"]
        try await requirePatience(keys)
        // What can be nobody's name is not worth a hash.
        guard !password.isEmpty, (try? AccountName.checked(name)) != nil else {
            try await refuse(keys, nil)
            throw Self.wrong
        }
        // Guesses at the same time count like those one after another.
        guard running.begin(keys[0]) else { throw Self.tooMany(1) }
        defer { running.end(keys[0]) }
        let account = try? await store.account(named: name)
        let stored = try await account.flatMapAsync { try await store.passwordHash(of: $0.id) }.flatMap(
            PasswordHash.init
        )
        let isRight = try await hashing { (stored ?? Self.nobody)?.matches(password) ?? false }
        guard isRight, let stored, let account, account.isActive, account.kind == .person else {
            try await refuse(keys, account)
            throw Self.wrong
        }
        try await store.clearFailures([keys[0]])
        if stored.cost != cost {
            let cost = self.cost
            let fresh = try await hashing { try PasswordHash(of: password, cost: cost).text }
            try await store.upgradePassword(fresh, from: stored.text, of: account.id)
        }
        return account
    }

    private static let wrong = Failure(
        .unauthenticated,
        "wrong name or password",
        hint: "an admin can set a new password: balanceops users password NAME"
    )

    private func refuse(_ keys: [String], _ account: Account?) async throws {
        let subject = account?.name ?? "unknown"
        try await store.recordFailure(keys, account: subject, window: Self.window, by: Actor(name: subject))
    }

    private func requirePatience(_ keys: [String]) async throws {
        let now = Timestamp.now()
        let since = Timestamp(milliseconds: now.milliseconds - Self.window)
        let found = try await store.failures(keys, since: since)
        for (key, limit) in zip(keys, [Self.perAccount, Self.perAddress]) {
            guard let entry = found[key], entry.count >= limit else { continue }
            let pause = min(1 << min(entry.count - limit, 10), 900)
            let rest = pause - now.seconds(since: entry.last)
            guard rest > 0 else { continue }
            throw Self.tooMany(rest)
        }
    }

    private static func tooMany(_ rest: Int) -> Failure {
        Failure(
            .tooManyAttempts,
            "too many failed sign-ins",
            hint: "try again in \(rest) s; tokens and other sign-ins go on",
            details: .object([("retry_after", .int(rest))])
        )
    }

    /// Runs what takes long and much memory; so many at once that there is no place are too many sign-ins.
    private func hashing<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        do {
            return try await runner.run(body)
        } catch let failure as Failure where failure.code == .unavailable {
            throw Self.tooMany(1)
        }
    }
}

/// The guesses that are being checked at this moment.
final class RunningSignIns: Sendable {
    private let running = Mutex<[String: Int]>([:])
    private static let atOnce = 2

    func begin(_ key: String) -> Bool {
        running.withLock { running in
            guard running[key, default: 0] < Self.atOnce else { return false }
            running[key, default: 0] += 1
            return true
        }
    }

    func end(_ key: String) {
        running.withLock { running in
            let rest = running[key, default: 1] - 1
            running[key] = rest > 0 ? rest : nil
        }
    }
}

extension Optional {
    fileprivate func flatMapAsync<Value>(_ body: (Wrapped) async throws -> Value?) async rethrows -> Value? {
        guard let self else { return nil }
        return try await body(self)
    }
}
