import BalanceSystem
package import BalanceCore

/// Accounts, grants, tokens and sessions in an SQL database.
package struct SQLAccountStore: AccountStore {
    let database: any SQLDatabase
    let audit: AuditWriter

    package init(database: any SQLDatabase, key: AuditKey?) {
        self.database = database
        audit = AuditWriter(database: database, key: key)
    }

    package func accessTable() async throws -> AccessTable {
        try await database.read { connection in
            AccessTable(
                revision: try Self.revision(connection),
                accounts: try AccountRows.all(connection),
                tokens: try AccountRows.tokens(where: "revoked_at_ms IS NULL", [], connection)
            )
        }
    }

    package func accessRevision() async throws -> Int { try await database.read { try Self.revision($0) } }

    private static func revision(_ connection: any SQLConnection) throws -> Int {
        let text = try connection.rows("SELECT value FROM access_state WHERE key = 'revision'").first?.text(0)
        return text.flatMap { Int($0) } ?? 0
    }

    package func accounts() async throws -> [Account] { try await database.read { try AccountRows.all($0) } }

    package func account(named name: String) async throws -> Account {
        try await database.read { try AccountRows.find(named: name, $0) }
    }

    package func create(_ account: Account, password: String?, by actor: Actor) async throws {
        try await change { connection in try Self.insert(account, password, by: actor, connection) }
    }

    static func insert(
        _ account: Account,
        _ password: String?,
        by actor: Actor,
        _ connection: AuditedConnection
    ) throws {
        let added = try connection.execute(
            "INSERT INTO account (account_id, name, kind, owner, display_name, password, issuer, subject, is_disabled, "
                + "created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
            [
                .text(account.id), .text(account.name), .text(account.kind.rawValue), .optional(account.owner),
                .optional(account.displayName), .optional(password), .optional(account.issuer),
                .optional(account.subject), .integer(account.isDisabled ? 1 : 0),
                .integer(account.createdAt.milliseconds),
            ]
        )
        guard added == 1 else {
            throw Failure(
                .alreadyExists,
                "an account '\(account.name)' exists already, or existed",
                hint: "choose another name: the names of deleted accounts are not given again"
            )
        }
        try connection.note(.accountCreated, account.name, account.kind.rawValue, by: actor, at: .now())
        for grant in account.grants { try insert(grant, "manual", account.id, account.name, by: actor, connection) }
    }

    static func insert(
        _ grant: Grant,
        _ origin: String,
        _ id: String,
        _ name: String,
        by actor: Actor,
        _ connection: AuditedConnection
    ) throws {
        let added = try connection.execute(
            "INSERT INTO access_grant (account_id, role, scope, title, origin, at_ms) VALUES (?, ?, ?, ?, ?, ?) "
                + "ON CONFLICT DO NOTHING",
            [
                .text(id), .text(grant.role.rawValue), .text(grant.scope.text), .text(grant.title ?? ""),
                .text(origin), .integer(Timestamp.now().milliseconds),
            ]
        )
        if added == 1 { try connection.note(.granted, name, grant.words, by: actor, at: .now()) }
    }

    package func adopt(
        issuer: String,
        subject: String,
        name: String,
        displayName: String?,
        grants: [Grant],
        by actor: Actor
    ) async throws -> Account {
        let fresh = RunID().stored
        return try await change { connection in
            let known = try connection.rows(
                "SELECT account_id FROM account WHERE issuer = ? AND subject = ? AND deleted_at_ms IS NULL",
                [.text(issuer), .text(subject)]
            ).first?.text(0)
            if known == nil {
                // A name that somebody else has, or had, is not theirs.
                let isTaken = try !connection.rows("SELECT 1 FROM account WHERE name = ?", [.text(name)]).isEmpty
                let own =
                    isTaken
                    ? "\(name.prefix(55))-\(ContentHash.of(Array("\(issuer) \(subject)".utf8)).prefix(8))" : name
                var account = Account(id: fresh, name: own, kind: .person, createdAt: .now())
                account.issuer = issuer
                account.subject = subject
                account.displayName = displayName
                try Self.insert(account, nil, by: actor, connection)
            }
            let id = known ?? fresh
            guard let account = try AccountRows.find(id: id, connection) else { throw Self.gone(name) }
            try Self.replaceProvided(grants, of: id, named: account.name, by: actor, connection)
            return try AccountRows.find(id: id, connection) ?? account
        }
    }

    /// The provider's grants, in place of those that it gave before.
    private static func replaceProvided(
        _ grants: [Grant],
        of id: String,
        named name: String,
        by actor: Actor,
        _ connection: AuditedConnection
    ) throws {
        let rows = try connection.rows(
            "SELECT role, scope FROM access_grant WHERE account_id = ? AND origin = 'provider'",
            [.text(id)]
        )
        for row in rows {
            let (role, scope) = (row.text(0) ?? "", row.text(1) ?? "")
            if grants.contains(where: { $0.role.rawValue == role && $0.scope.text == scope }) { continue }
            try connection.execute(
                "DELETE FROM access_grant WHERE account_id = ? AND origin = 'provider' AND role = ? AND scope = ?",
                [.text(id), .text(role), .text(scope)]
            )
            try connection.note(.grantRevoked, name, "\(role) on \(scope)", by: actor, at: .now())
        }
        for grant in grants { try insert(grant, "provider", id, name, by: actor, connection) }
    }

    package func passwordHash(of id: String) async throws -> String? {
        try await database.read { connection in
            try connection.rows("SELECT password FROM account WHERE account_id = ?", [.text(id)]).first?.text(0)
        }
    }

    package func setPassword(_ hash: String, of id: String, keeping session: String?, by actor: Actor) async throws {
        try await change { connection in
            guard let account = try AccountRows.find(id: id, connection) else { throw Self.gone(id) }
            try connection.execute("UPDATE account SET password = ? WHERE account_id = ?", [.text(hash), .text(id)])
            try connection.execute(
                "DELETE FROM access_session WHERE account_id = ? AND session_id <> ?",
                [.text(id), .text(session ?? "")]
            )
            try connection.note(.passwordChanged, account.name, "other sign-ins ended", by: actor, at: .now())
        }
    }

    package func upgradePassword(_ hash: String, from old: String, of id: String) async throws {
        try await database.write { connection in
            _ = try connection.execute(
                "UPDATE account SET password = ? WHERE account_id = ? AND password = ?",
                [.text(hash), .text(id), .text(old)]
            )
        }
    }

    package func setDisabled(_ isDisabled: Bool, _ name: String, keepsAdmin: Bool, by actor: Actor) async throws {
        try await change { connection in
            let account = try AccountRows.find(named: name, connection)
            guard account.isDisabled != isDisabled else { return }
            try connection.execute(
                "UPDATE account SET is_disabled = ? WHERE account_id = ?",
                [.integer(isDisabled ? 1 : 0), .text(account.id)]
            )
            if isDisabled { try Self.endSessions(of: account.id, connection) }
            try Self.require(admin: keepsAdmin, connection)
            try connection.note(isDisabled ? .accountDisabled : .accountEnabled, name, "", by: actor, at: .now())
        }
    }

    package func delete(_ name: String, keepsAdmin: Bool, by actor: Actor) async throws {
        try await change { connection in
            let account = try AccountRows.find(named: name, connection)
            let id: [SQLValue] = [.text(account.id)]
            try connection.execute("DELETE FROM access_grant WHERE account_id = ?", id)
            try connection.execute("DELETE FROM access_token WHERE account_id = ?", id)
            try Self.endSessions(of: account.id, connection)
            try connection.execute(
                "UPDATE account SET deleted_at_ms = ?, password = NULL, issuer = NULL, subject = NULL, "
                    + "display_name = NULL WHERE account_id = ?",
                [.integer(Timestamp.now().milliseconds)] + id
            )
            try Self.require(admin: keepsAdmin, connection)
            try connection.note(.accountDeleted, name, "", by: actor, at: .now())
        }
    }

    package func grant(_ grant: Grant, to name: String, by actor: Actor) async throws {
        try await change { connection in
            let account = try AccountRows.find(named: name, connection)
            try Self.insert(grant, "manual", account.id, name, by: actor, connection)
        }
    }

    package func revoke(_ grant: Grant, from name: String, keepsAdmin: Bool, by actor: Actor) async throws {
        try await change { connection in
            let account = try AccountRows.find(named: name, connection)
            let removed = try connection.execute(
                "DELETE FROM access_grant WHERE account_id = ? AND role = ? AND scope = ? AND title = ?",
                [
                    .text(account.id), .text(grant.role.rawValue), .text(grant.scope.text), .text(grant.title ?? ""),
                ]
            )
            guard removed == 1 else {
                throw Failure(
                    .resourceNotFound,
                    "'\(name)' does not have the role \(grant.words)",
                    hint: "balanceops users list"
                )
            }
            try Self.require(admin: keepsAdmin, connection)
            try connection.note(.grantRevoked, name, grant.words, by: actor, at: .now())
        }
    }

    // MARK: - Parts

    /// A change of what requests are judged by.
    func change<Value: Sendable>(
        _ body: @escaping @Sendable (AuditedConnection) throws -> Value
    ) async throws -> Value {
        try await audit.write { connection in
            let value = try body(connection)
            try AccountRows.countChange(connection)
            return value
        }
    }

    private static func endSessions(of id: String, _ connection: any SQLConnection) throws {
        try connection.execute("DELETE FROM access_session WHERE account_id = ?", [.text(id)])
    }

    /// Refuses a change after which nobody could manage accounts.
    private static func require(admin isRequired: Bool, _ connection: any SQLConnection) throws {
        guard isRequired else { return }
        guard try AccountRows.all(connection).contains(where: \.managesAccounts) else {
            throw Failure(
                .modelInUse,
                "this is the last admin",
                hint: "give another account the role admin first, or use balanceops users on the server's files"
            )
        }
    }

    static func gone(_ name: String) -> Failure { Failure(.resourceNotFound, "account '\(name)' not found") }
}

extension Grant {
    /// For lines of the trail and messages.
    var words: String { "\(role.rawValue)\(title.map { " as \($0)" } ?? "") on \(scope.text)" }
}
