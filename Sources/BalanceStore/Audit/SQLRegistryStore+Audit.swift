package import BalanceCore

extension SQLRegistryStore: AuditTrail {
    package func auditEvents(subject: String?, before: Int?, limit: Int) async throws -> [AuditEvent] {
        try await database.read { connection in
            let condition = subject == nil ? "" : "subject = ? AND "
            let arguments: [SQLValue] =
                (subject.map { [.text($0)] } ?? []) + [.integer(before ?? Int.max), .integer(limit)]
            return try connection.rows(
                "SELECT \(AuditRows.columns) FROM audit_event WHERE \(condition)seq < ? ORDER BY seq DESC LIMIT ?",
                arguments
            ).map(AuditRows.event)
        }
    }

    package func auditEvent(_ sequence: Int) async throws -> AuditEvent? {
        try await database.read { connection in
            try connection.rows(
                "SELECT \(AuditRows.columns) FROM audit_event WHERE seq = ?",
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
