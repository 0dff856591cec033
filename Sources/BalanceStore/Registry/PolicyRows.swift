import BalanceCore

/// The rows of policies; those that are shipped are there without a row.
enum PolicyRows {
    private static let columns = "document_json, version, text, created_at_ms, actor"

    static func save(
        _ policy: PromotionPolicy,
        text: String,
        actor: String,
        at moment: Timestamp,
        _ connection: any SQLConnection
    ) throws -> SavedPolicy {
        if let known = try find(hash: policy.hash, name: policy.name, connection) { return known }
        let last = try connection.rows("SELECT MAX(version) FROM policy WHERE name = ?", [.text(policy.name)])
        let shipped = shipped(policy.name) == nil ? 0 : 1
        let saved = SavedPolicy(
            policy: policy,
            version: max(last.first?.integer(0) ?? 0, shipped) + 1,
            text: text,
            createdAt: moment,
            actor: actor
        )
        try connection.execute(
            "INSERT INTO policy (name, version, hash, text, document_json, created_at_ms, actor) "
                + "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                .text(policy.name), .integer(saved.version), .text(policy.hash), .text(text),
                .text(policy.json.text()), .integer(moment.milliseconds), .text(actor),
            ]
        )
        return saved
    }

    static func find(hash: String, name: String? = nil, _ connection: any SQLConnection) throws -> SavedPolicy? {
        let known = PromotionPolicy.shipped.first { $0.hash == hash && (name == nil || $0.name == name) }
        if let known { return shipped(known.name) }
        let rows = try connection.rows("SELECT \(columns) FROM policy WHERE hash = ? ORDER BY version", [.text(hash)])
        return try rows.map(saved).first { name == nil || $0.policy.name == name }
    }

    static func versions(_ name: String, _ connection: any SQLConnection) throws -> [SavedPolicy] {
        try connection.rows("SELECT \(columns) FROM policy WHERE name = ? ORDER BY version DESC", [.text(name)])
            .map(saved).filter { $0.version > 1 || shipped(name) == nil } + (shipped(name).map { [$0] } ?? [])
    }

    /// Keeps the text of a policy that comes with the program, so that a later release still finds it by its hash.
    static func retain(_ saved: SavedPolicy, at moment: Timestamp, _ connection: any SQLConnection) throws {
        try connection.execute(
            "INSERT INTO policy (name, version, hash, text, document_json, created_at_ms, actor) "
                + "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name, version) DO NOTHING",
            [
                .text(saved.policy.name), .integer(saved.version), .text(saved.policy.hash), .text(saved.text),
                .text(saved.policy.json.text()), .integer(moment.milliseconds), .text(saved.actor),
            ]
        )
    }

    static func newest(_ connection: any SQLConnection) throws -> [SavedPolicy] {
        let saved = try connection.rows(
            "SELECT \(columns) FROM policy p WHERE version = (SELECT MAX(q.version) FROM policy q WHERE q.name = p.name) "
                + "ORDER BY name"
        ).map(saved)
        let names = Set(saved.map(\.policy.name))
        return PromotionPolicy.shipped.filter { !names.contains($0.name) }.compactMap { shipped($0.name) } + saved
    }

    /// A policy that comes with the program, as its first version.
    static func shipped(_ name: String) -> SavedPolicy? {
        PromotionPolicy.shipped.first { $0.name == name }.map { policy in
            SavedPolicy(
                policy: policy,
                version: 1,
                text: policy.json.text(pretty: true),
                createdAt: Timestamp(milliseconds: 0),
                actor: "balanceops"
            )
        }
    }

    private static func saved(_ row: SQLRow) throws -> SavedPolicy {
        SavedPolicy(
            policy: try PromotionPolicy(document: JSONValue(parsing: row.text(0) ?? "")),
            version: row.integer(1) ?? 0,
            text: row.text(2) ?? "",
            createdAt: Timestamp(milliseconds: row.integer(3) ?? 0),
            actor: row.text(4) ?? ""
        )
    }
}
