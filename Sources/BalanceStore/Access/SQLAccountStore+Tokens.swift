import BalanceSystem
package import BalanceCore

extension SQLAccountStore {
    package func tokens(of accountID: String?) async throws -> [TokenRecord] {
        try await database.read { connection in
            guard let accountID else { return try AccountRows.tokens(where: "1 = 1", [], connection) }
            return try AccountRows.tokens(where: "account_id = ?", [.text(accountID)], connection)
        }
    }

    /// A leaked admin's token must not fill the memory of every server.
    private static let maximumTokens = 1000

    package func add(_ token: TokenRecord, by actor: Actor) async throws {
        try await change { connection in
            guard let account = try AccountRows.find(id: token.accountID, connection) else {
                throw Self.gone(token.accountID)
            }
            let count =
                try connection.rows(
                    "SELECT COUNT(*) FROM access_token WHERE account_id = ? AND revoked_at_ms IS NULL",
                    [.text(account.id)]
                ).first?.integer(0) ?? 0
            guard count < Self.maximumTokens else {
                throw Failure(
                    .invalidParameter,
                    "'\(account.name)' has \(count) tokens of at most \(Self.maximumTokens)",
                    hint: "revoke those that are not used: balanceops tokens list"
                )
            }
            try connection.execute(
                "INSERT INTO access_token (token_id, account_id, note, digest, permissions, scopes_json, created_at_ms, "
                    + "expires_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    .text(token.id), .text(token.accountID), .text(token.note), .text(token.digest),
                    .integer(Int(token.limit.permissions.rawValue)),
                    .text(JSONValue.strings(token.limit.scopes.map(\.text)).text()),
                    .integer(token.createdAt.milliseconds), .optional(token.expiresAt?.milliseconds),
                ]
            )
            try connection.note(.tokenCreated, account.name, "token \(token.id)", by: actor, at: .now())
        }
    }

    package func revokeToken(_ id: String, of accountID: String?, by actor: Actor) async throws {
        try await change { connection in
            let (token, account) = try Self.find(id, of: accountID, connection)
            guard token.revokedAt == nil else { return }
            try connection.execute(
                "UPDATE access_token SET revoked_at_ms = ?, former_digest = NULL, former_until_ms = NULL "
                    + "WHERE token_id = ?",
                [.integer(Timestamp.now().milliseconds), .text(id)]
            )
            try connection.note(.tokenRevoked, account.name, "token \(id)", by: actor, at: .now())
        }
    }

    package func rotate(
        _ id: String,
        of accountID: String?,
        to digest: String,
        until: Timestamp,
        by actor: Actor
    ) async throws {
        try await change { connection in
            let (token, account) = try Self.find(id, of: accountID, connection)
            guard token.revokedAt == nil else {
                throw Failure(.invalidParameter, "token '\(id)' is revoked", hint: "make a new one")
            }
            try connection.execute(
                "UPDATE access_token SET former_digest = digest, former_until_ms = ?, digest = ? WHERE token_id = ?",
                [.integer(until.milliseconds), .text(digest), .text(id)]
            )
            let reason = "token \(id); the former secret holds until \(until.iso8601)"
            try connection.note(.tokenRotated, account.name, reason, by: actor, at: .now())
        }
    }

    private static func find(
        _ id: String,
        of accountID: String?,
        _ connection: any SQLConnection
    ) throws -> (TokenRecord, Account) {
        let token = try AccountRows.tokens(where: "token_id = ?", [.text(id)], connection).first
        guard let token, accountID.map({ $0 == token.accountID }) ?? true,
            let account = try AccountRows.find(id: token.accountID, connection)
        else {
            throw Failure(
                .resourceNotFound,
                "token '\(id.prefix(40))' not found",
                hint: "balanceops tokens list"
            )
        }
        return (token, account)
    }

    package func noteUse(of tokens: [String: Timestamp]) async throws {
        try await database.writeTogether { connection in
            for (id, moment) in tokens {
                try connection.execute(
                    "UPDATE access_token SET used_at_ms = ? WHERE token_id = ? AND COALESCE(used_at_ms, 0) < ?",
                    [.integer(moment.milliseconds), .text(id), .integer(moment.milliseconds)]
                )
            }
        }
    }
}
