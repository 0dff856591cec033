package import BalanceCore

extension SQLRegistryStore: AuditTrail {
    /// What a reader who is no admin does not see.
    private static var hiddenActions: String {
        let actions = AuditAction.ofAccounts.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        return Visibility.current == nil ? "" : "action NOT IN (\(actions)) AND "
    }

    package func auditEvents(subject: String?, before: Int?, limit: Int) async throws -> [AuditEvent] {
        let hidden = Self.hiddenActions
        return try await database.read { connection in
            let condition = (subject == nil ? "" : "subject = ? AND ") + hidden
            let arguments: [SQLValue] =
                (subject.map { [.text($0)] } ?? []) + [.integer(before ?? Int.max), .integer(limit)]
            return try connection.rows(
                "SELECT \(AuditRows.columns) FROM audit_event WHERE \(condition)seq < ? ORDER BY seq DESC LIMIT ?",
                arguments
            ).map(AuditRows.event)
        }
    }

    package func auditEvent(_ sequence: Int) async throws -> AuditEvent? {
        let hidden = Self.hiddenActions
        return try await database.read { connection in
            try connection.rows(
                "SELECT \(AuditRows.columns) FROM audit_event WHERE \(hidden)seq = ?",
                [.integer(sequence)]
            ).first.map(AuditRows.event)
        }
    }

    package func auditLines(after sequence: Int?, limit: Int) async throws -> [AuditEvent] {
        try await database.read { connection in
            let condition = sequence == nil ? "" : "WHERE seq > ? "
            return try connection.rows(
                "SELECT \(AuditRows.columns) FROM audit_event \(condition)ORDER BY seq LIMIT ?",
                (sequence.map { [.integer($0)] } ?? []) + [.integer(limit)]
            ).map(AuditRows.event)
        }
    }

    package func auditHead() async throws -> AuditHead? {
        try await database.read { connection in
            try connection.rows("SELECT seq, hash, signature FROM audit_event ORDER BY seq DESC LIMIT 1").first.map {
                AuditHead(sequence: $0.integer(0) ?? 0, hash: $0.text(1) ?? "", signature: $0.text(2))
            }
        }
    }
}
