import BalanceSystem
import BalanceCore

/// Accounts, grants, tokens and sessions in the database.
enum AccountRows {
    private static let columns =
        "account_id, name, kind, owner, display_name, password IS NOT NULL, issuer, subject, is_disabled, created_at_ms, "
        + "signed_in_at_ms"

    static func all(_ connection: any SQLConnection) throws -> [Account] {
        let rows = try connection.rows("SELECT \(columns) FROM account WHERE deleted_at_ms IS NULL ORDER BY name")
        let grants = try connection.rows(
            "SELECT account_id, role, scope, title FROM access_grant ORDER BY role, scope, title"
        )
        let byAccount = Dictionary(grouping: grants) { $0.text(0) ?? "" }
        return rows.map { account($0, (byAccount[$0.text(0) ?? ""] ?? []).compactMap(grant)) }
    }

    static func find(named name: String, _ connection: any SQLConnection) throws -> Account {
        guard let account = try find("name = ?", name, connection) else {
            throw Failure(
                .resourceNotFound,
                "account '\(name.prefix(80))' not found",
                hint: "balanceops users list"
            )
        }
        return account
    }

    static func find(id: String, _ connection: any SQLConnection) throws -> Account? {
        try find("account_id = ?", id, connection)
    }

    static func find(_ condition: String, _ value: String, _ connection: any SQLConnection) throws -> Account? {
        let row = try connection.rows(
            "SELECT \(columns) FROM account WHERE \(condition) AND deleted_at_ms IS NULL",
            [.text(value)]
        ).first
        return try row.map { try account($0, grants(of: $0.text(0) ?? "", connection)) }
    }

    static func grants(of id: String, _ connection: any SQLConnection) throws -> [Grant] {
        try connection.rows(
            "SELECT account_id, role, scope, title FROM access_grant WHERE account_id = ? ORDER BY role, scope, title",
            [.text(id)]
        ).compactMap(grant)
    }

    /// Whether there is an account at all: approvals are those of accounts then.
    static func exist(_ connection: any SQLConnection) throws -> Bool {
        try !connection.rows("SELECT 1 FROM account WHERE deleted_at_ms IS NULL LIMIT 1").isEmpty
    }

    private static func account(_ row: SQLRow, _ grants: [Grant]) -> Account {
        var account = Account(
            id: row.text(0) ?? "",
            name: row.text(1) ?? "",
            kind: Account.Kind(rawValue: row.text(2) ?? "") ?? .service,
            createdAt: Timestamp(milliseconds: row.integer(9) ?? 0),
            grants: grants
        )
        account.owner = row.text(3)
        account.displayName = row.text(4)
        account.hasPassword = row.integer(5) == 1
        account.issuer = row.text(6)
        account.subject = row.text(7)
        account.isDisabled = row.integer(8) != 0
        account.lastSignIn = row.integer(10).map(Timestamp.init(milliseconds:))
        return account
    }

    /// A grant; nil for one of a role or scope that this version does not know: it grants nothing.
    private static func grant(_ row: SQLRow) -> Grant? {
        guard let role = Role(rawValue: row.text(1) ?? ""), let scope = try? AccessScope(row.text(2) ?? "") else {
            return nil
        }
        let title = row.text(3) ?? ""
        return Grant(role: role, scope: scope, title: title.isEmpty ? nil : title)
    }

    static func tokens(
        where condition: String,
        _ arguments: [SQLValue],
        _ connection: any SQLConnection
    ) throws -> [TokenRecord] {
        try connection.rows(
            "SELECT token_id, account_id, note, digest, former_digest, former_until_ms, permissions, scopes_json, "
                + "created_at_ms, expires_at_ms, used_at_ms, revoked_at_ms FROM access_token WHERE \(condition) "
                + "ORDER BY created_at_ms DESC, token_id",
            arguments
        ).compactMap(token)
    }

    /// A token; nil for a row that is not whole: it does not hold.
    private static func token(_ row: SQLRow) -> TokenRecord? {
        func moment(_ index: Int) -> Timestamp? { row.integer(index).map(Timestamp.init(milliseconds:)) }
        let scopes = ((try? JSONValue(parsing: row.text(7) ?? ""))?.strings ?? []).map { try? AccessScope($0) }
        // A scope that cannot be read must not become none, which would be no limit.
        guard scopes.allSatisfy({ $0 != nil }) else { return nil }
        var token = TokenRecord(
            id: row.text(0) ?? "",
            accountID: row.text(1) ?? "",
            note: row.text(2) ?? "",
            digest: row.text(3) ?? "",
            limit: TokenLimit(
                permissions: PermissionSet(rawValue: UInt16(truncatingIfNeeded: row.integer(6) ?? 0)),
                scopes: scopes.compactMap(\.self)
            ),
            createdAt: moment(8) ?? Timestamp(milliseconds: 0),
            expiresAt: moment(9)
        )
        if let former = row.text(4), let until = moment(5) { token.former = .init(digest: former, until: until) }
        token.lastUsedAt = moment(10)
        token.revokedAt = moment(11)
        return token
    }

    /// Gives the grants on a model to its new name, or takes them away with it.
    static func moveGrants(
        from name: String,
        to newName: String?,
        by actor: Actor,
        _ connection: AuditedConnection
    ) throws {
        let old = AccessScope.model(ByteText(name)).text
        let held = try connection.rows("SELECT COUNT(*) FROM access_grant WHERE scope = ?", [.text(old)]).first?
            .integer(0)
        guard let held, held > 0 else { return }
        if let newName {
            try connection.execute(
                "UPDATE OR IGNORE access_grant SET scope = ? WHERE scope = ?",
                [.text(AccessScope.model(ByteText(newName)).text), .text(old)]
            )
        }
        try connection.execute("DELETE FROM access_grant WHERE scope = ?", [.text(old)])
        try countChange(connection)
        let reason = newName.map { "\(held) grants are on '\($0)' now" } ?? "\(held) grants on it ended"
        try connection.note(newName == nil ? .grantRevoked : .granted, name, reason, by: actor, at: .now())
    }

    /// Lets every server read the accounts anew.
    static func countChange(_ connection: any SQLConnection) throws {
        try connection.execute(
            "UPDATE access_state SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE key = 'revision'"
        )
    }
}
