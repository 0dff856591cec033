import BalanceCore

/// Who made a version: whoever registered it and whoever made its run, and the people whose programs did.
enum AuthorRows {
    static func made(
        _ version: Int,
        of model: String,
        by account: String,
        _ connection: any SQLConnection
    ) throws -> Bool {
        let rows = try connection.rows(
            "SELECT v.account_id, r.account_id, v.author, r.user_id FROM model_version v "
                + "LEFT JOIN run r ON r.run_id = v.run_id WHERE v.name = ? AND v.version = ?",
            [.text(model), .integer(version)]
        )
        guard let row = rows.first else { return false }
        let own = try circle(of: account, connection)
        let makers = [row.text(0), row.text(1)].compactMap(\.self)
        if try makers.contains(where: { try !circle(of: $0, connection).isDisjoint(with: own) }) { return true }
        guard makers.isEmpty, let name = try AccountRows.find(id: account, connection)?.name else { return false }
        // From before there were accounts, only the name is known.
        return [row.text(2), row.text(3)].contains {
            $0.map { PersonName.folded($0) == PersonName.folded(name) } ?? false
        }
    }

    /// An account with the person that it belongs to.
    private static func circle(of account: String, _ connection: any SQLConnection) throws -> Set<String> {
        let rows = try connection.rows("SELECT owner FROM account WHERE account_id = ?", [.text(account)])
        return Set([account] + [rows.first?.text(0)].compactMap(\.self))
    }
}
