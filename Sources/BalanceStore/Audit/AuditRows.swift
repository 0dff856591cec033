import BalanceCore

/// The lines of the audit trail in the database.
enum AuditRows {
    static let columns = "\(firstColumns), account_id, token_id"

    /// Those that the trail had before there were accounts.
    private static let firstColumns =
        "seq, at_ms, actor, action, subject, reason, decision_json, from_version, to_version, run_id, generation_before, "
        + "generation_after, policy_hash, request_id, prev_hash, hash, signature"

    static func event(_ row: SQLRow) -> AuditEvent {
        var event = AuditEvent(
            sequence: row.integer(0) ?? 0,
            at: Timestamp(milliseconds: row.integer(1) ?? 0),
            actor: row.text(2) ?? "",
            stored: row.text(3) ?? "",
            subject: row.text(4) ?? "",
            reason: row.text(5) ?? "",
            decisionJSON: row.text(6)
        )
        event.fromVersion = row.integer(7)
        event.toVersion = row.integer(8)
        event.runID = row.text(9)
        event.generationBefore = row.integer(10)
        event.generationAfter = row.integer(11)
        event.policyHash = row.text(12)
        event.requestID = row.text(13)
        event.previousHash = row.text(14) ?? ""
        event.hash = row.text(15) ?? ""
        event.signature = row.text(16)
        if row.values.count > 17 {
            event.accountID = row.text(17)
            event.tokenID = row.text(18)
        }
        return event
    }

    /// Chains the lines from before there were hashes, as they stand.
    static func chainAll(_ connection: any SQLConnection) throws {
        var previous = AuditEvent.origin
        let rows = try connection.rows("SELECT \(firstColumns) FROM audit_event ORDER BY seq")
        for (index, row) in rows.enumerated() {
            var event = event(row)
            let old = event.sequence
            event.sequence = index + 1
            event.previousHash = previous
            event.hash = event.expectedHash
            previous = event.hash
            try connection.execute(
                "UPDATE audit_event SET seq = ?, prev_hash = ?, hash = ? WHERE seq = ?",
                [.integer(event.sequence), .text(event.previousHash), .text(event.hash), .integer(old)]
            )
        }
    }
}
