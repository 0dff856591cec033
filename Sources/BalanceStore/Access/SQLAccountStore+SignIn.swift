import BalanceSystem
package import BalanceCore

extension SQLAccountStore {
    package func begin(_ session: Session, by actor: Actor) async throws {
        try await audit.write { connection in
            guard let account = try AccountRows.find(id: session.accountID, connection), account.isActive else {
                throw Self.gone(session.accountID)
            }
            // Those that hold no more are of no use to anybody.
            try connection.execute(
                "DELETE FROM access_session WHERE seen_at_ms < ? OR created_at_ms < ?",
                [
                    .integer(session.createdAt.milliseconds - Session.idle),
                    .integer(session.createdAt.milliseconds - Session.longest),
                ]
            )
            try connection.execute(
                "INSERT INTO access_session (session_id, account_id, created_at_ms, seen_at_ms, address, agent) "
                    + "VALUES (?, ?, ?, ?, ?, ?)",
                [
                    .text(session.id), .text(session.accountID), .integer(session.createdAt.milliseconds),
                    .integer(session.seenAt.milliseconds), .text(session.address), .text(session.agent),
                ]
            )
            try connection.execute(
                "UPDATE account SET signed_in_at_ms = ? WHERE account_id = ?",
                [.integer(session.createdAt.milliseconds), .text(session.accountID)]
            )
            try connection.note(.signedIn, account.name, "from \(session.address)", by: actor, at: .now())
        }
    }

    /// How often the row of a session that is used is written, in milliseconds.
    private static let seenInterval = 60_000

    package func session(_ id: String, at now: Timestamp) async throws -> (session: Session, account: Account)? {
        let found = try await database.read { connection -> (Session, Account)? in
            guard let session = try Self.sessions("session_id = ?", id, connection).first, session.holds(at: now),
                let account = try AccountRows.find(id: session.accountID, connection), account.isActive
            else { return nil }
            return (session, account)
        }
        guard let found else { return nil }
        if now.milliseconds - found.0.seenAt.milliseconds > Self.seenInterval {
            try? await database.writeTogether { connection in
                _ = try connection.execute(
                    "UPDATE access_session SET seen_at_ms = ? WHERE session_id = ?",
                    [.integer(now.milliseconds), .text(id)]
                )
            }
        }
        return (session: found.0, account: found.1)
    }

    package func sessions(of accountID: String, at now: Timestamp) async throws -> [Session] {
        try await database.read { try Self.sessions("account_id = ?", accountID, $0).filter { $0.holds(at: now) } }
    }

    private static func sessions(
        _ condition: String,
        _ value: String,
        _ connection: any SQLConnection
    ) throws -> [Session] {
        try connection.rows(
            "SELECT session_id, account_id, created_at_ms, address, agent, seen_at_ms FROM access_session "
                + "WHERE \(condition) ORDER BY seen_at_ms DESC",
            [.text(value)]
        ).map { row in
            var session = Session(
                id: row.text(0) ?? "",
                accountID: row.text(1) ?? "",
                createdAt: Timestamp(milliseconds: row.integer(2) ?? 0),
                address: row.text(3) ?? "",
                agent: row.text(4) ?? ""
            )
            session.seenAt = Timestamp(milliseconds: row.integer(5) ?? 0)
            return session
        }
    }

    package func end(session id: String?, of accountID: String, by actor: Actor) async throws {
        try await audit.write { connection in
            let ended = try connection.execute(
                "DELETE FROM access_session WHERE account_id = ?" + (id == nil ? "" : " AND session_id = ?"),
                [.text(accountID)] + (id.map { [.text($0)] } ?? [])
            )
            guard ended > 0, let account = try AccountRows.find(id: accountID, connection) else { return }
            let reason = id == nil ? "\(ended) sign-ins ended" : ""
            try connection.note(.signedOut, account.name, reason, by: actor, at: .now())
        }
    }

    // MARK: - Failures

    package func failures(
        _ keys: [String],
        since: Timestamp
    ) async throws -> [String: (count: Int, last: Timestamp)] {
        try await database.read { connection in
            var found: [String: (count: Int, last: Timestamp)] = [:]
            for key in keys {
                let rows = try connection.rows(
                    "SELECT count, last_at_ms FROM sign_in_failure WHERE key = ? AND first_at_ms >= ?",
                    [.text(key), .integer(since.milliseconds)]
                )
                guard let row = rows.first else { continue }
                found[key] = (row.integer(0) ?? 0, Timestamp(milliseconds: row.integer(1) ?? 0))
            }
            return found
        }
    }

    /// More addresses than these cannot be told apart; those with the fewest failures are forgotten first.
    private static let maximumFailures = 50_000

    package func recordFailure(_ keys: [String], account: String, window: Int, by actor: Actor) async throws {
        let now = Timestamp.now().milliseconds
        try await audit.write { connection in
            try connection.execute("DELETE FROM sign_in_failure WHERE last_at_ms < ?", [.integer(now - window)])
            for key in keys {
                try connection.execute(
                    "INSERT INTO sign_in_failure (key, count, first_at_ms, last_at_ms) VALUES (?, 1, ?, ?) "
                        + "ON CONFLICT (key) DO UPDATE SET last_at_ms = excluded.last_at_ms, "
                        + "count = CASE WHEN first_at_ms < ? THEN 1 ELSE count + 1 END, "
                        + "first_at_ms = CASE WHEN first_at_ms < ? THEN excluded.first_at_ms ELSE first_at_ms END",
                    [.text(key), .integer(now), .integer(now), .integer(now - window), .integer(now - window)]
                )
            }
            try connection.execute(
                "DELETE FROM sign_in_failure WHERE key IN (SELECT key FROM sign_in_failure "
                    + "ORDER BY count, last_at_ms LIMIT MAX(0, (SELECT COUNT(*) FROM sign_in_failure) - ?))",
                [.integer(Self.maximumFailures)]
            )
            try Self.noteFailure(of: account, at: now, by: actor, connection)
        }
    }

    /// One line a minute and account, however often somebody tries.
    private static func noteFailure(
        of account: String,
        at now: Int,
        by actor: Actor,
        _ connection: AuditedConnection
    ) throws {
        let last = try connection.rows(
            "SELECT at_ms FROM audit_event WHERE subject = ? AND action = ? ORDER BY seq DESC LIMIT 1",
            [.text(account), .text(AuditAction.signInFailed.rawValue)]
        ).first?.integer(0)
        guard last.map({ now - $0 > 60_000 }) ?? true else { return }
        try connection.note(.signInFailed, account, "", by: actor, at: Timestamp(milliseconds: now))
    }

    package func clearFailures(_ keys: [String]) async throws {
        try await database.writeTogether { connection in
            for key in keys { try connection.execute("DELETE FROM sign_in_failure WHERE key = ?", [.text(key)]) }
        }
    }

    package func recordRefusal(_ permission: Permission, of subject: String, by actor: Actor) async throws {
        try await audit.write { connection in
            let reason = "needs the permission \(permission.rawValue)"
            try connection.note(.accessRefused, subject, reason, by: actor, at: .now())
        }
    }

    package func recordOpened(by actor: Actor) async throws {
        try await audit.write { connection in
            let reason = "a server runs with BALANCEOPS_AUTH=off"
            try connection.note(.accessOpened, "server", reason, by: actor, at: .now())
        }
    }

    // MARK: - The first admin

    package func setSetupCode(_ digest: String, until: Timestamp) async throws {
        try await database.write { connection in
            try connection.execute("DELETE FROM access_state WHERE key = 'setup_code'")
            try connection.execute(
                "INSERT INTO access_state (key, value) VALUES ('setup_code', ?)",
                [.text("\(until.milliseconds) \(digest)")]
            )
        }
    }

    package func setupCode() async throws -> (digest: String, until: Timestamp)? {
        try await database.read { connection in
            let text = try connection.rows("SELECT value FROM access_state WHERE key = 'setup_code'").first?.text(0)
            let parts = text?.split(separator: " ").map(String.init) ?? []
            guard parts.count == 2, let until = Int(parts[0]) else { return nil }
            return (parts[1], Timestamp(milliseconds: until))
        }
    }

    package func takeSetupCode(_ digest: String) async throws -> Bool {
        try await database.write { connection in
            try connection.execute(
                "DELETE FROM access_state WHERE key = 'setup_code' AND value LIKE ?",
                [.text("% \(digest)")]
            ) == 1
        }
    }

    // MARK: - Roles that were tags

    private static let roleTags =
        "SELECT name, key, value FROM registered_model_tag WHERE key >= 'role:' AND key < 'role;' ORDER BY name, key"

    package func migrateRoleTags() async throws {
        // Most servers have none, and a start should write nothing.
        guard try await database.read({ try !$0.rows(Self.roleTags).isEmpty }) else { return }
        try await change { connection in
            let rows = try connection.rows(Self.roleTags)
            let accounts = Dictionary(
                try AccountRows.all(connection).map { (PersonName.folded($0.name), $0) },
                uniquingKeysWith: { first, _ in first }
            )
            for row in rows {
                try Self.migrate(
                    model: row.text(0) ?? "",
                    key: row.text(1) ?? "",
                    names: (row.text(2) ?? "").split(separator: ",").map(String.init),
                    accounts,
                    connection
                )
            }
        }
    }

    /// Names that are no account's yet stay in the tag, where they count for nothing, until there is such an account.
    private static func migrate(
        model: String,
        key: String,
        names: [String],
        _ accounts: [String: Account],
        _ connection: AuditedConnection
    ) throws {
        let known = names.compactMap { accounts[PersonName.folded($0)] }
        guard !known.isEmpty else { return }
        let actor = Actor(name: "migration")
        let title = String(key.dropFirst("role:".count))
        for account in known {
            let grant = Grant(role: .approver, scope: .model(ByteText(model)), title: title)
            try insert(grant, "migrated", account.id, account.name, by: actor, connection)
        }
        let rest = names.filter { accounts[PersonName.folded($0)] == nil }.joined(separator: ",")
        let place: [SQLValue] = [.text(model), .text(key)]
        if rest.isEmpty {
            try connection.execute("DELETE FROM registered_model_tag WHERE name = ? AND key = ?", place)
        } else {
            try connection.execute(
                "UPDATE registered_model_tag SET value = ? WHERE name = ? AND key = ?",
                [.text(rest)] + place
            )
        }
        let moved = known.map(\.name).joined(separator: ", ")
        let left = rest.isEmpty ? "" : "; no account yet: \(rest)"
        let reason = "the tag \(key) became grants of \(moved)\(left)"
        try connection.note(.roleChanged, model, reason, by: actor, at: .now())
    }
}
