import BalanceCore
import BalanceSystem

/// Checks passwords, slowly and not too often.
struct SignIn: Sendable {
    let store: any AccountStore
    let runner: any PredictionRunner
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
        let account = try? await store.account(named: name)
        let stored = try await account.flatMapAsync { try await store.passwordHash(of: $0.id) }.flatMap(
            PasswordHash.init
        )
        let isRight = try await runner.run { (stored ?? Self.nobody)?.matches(password) ?? false }
        guard isRight, let stored, let account, account.isActive, account.kind == .person else {
            let subject = account?.name ?? "unknown"
            let actor = Actor(name: subject)
            try await store.recordFailure(keys, account: subject, window: Self.window, by: actor)
            throw Failure(
                .unauthenticated,
                "wrong name or password",
                hint: "an admin can set a new password: balanceops users password NAME"
            )
        }
        try await store.clearFailures([keys[0]])
        if stored.cost != cost {
            let cost = self.cost
            let fresh = try await runner.run { try PasswordHash(of: password, cost: cost).text }
            try await store.upgradePassword(fresh, from: stored.text, of: account.id)
        }
        return account
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
            throw Failure(
                .tooManyAttempts,
                "too many failed sign-ins",
                hint: "try again in \(rest) s; tokens and other sign-ins go on",
                details: .object([("retry_after", .int(rest))])
            )
        }
    }
}

extension Optional {
    fileprivate func flatMapAsync<Value>(_ body: (Wrapped) async throws -> Value?) async rethrows -> Value? {
        guard let self else { return nil }
        return try await body(self)
    }
}
