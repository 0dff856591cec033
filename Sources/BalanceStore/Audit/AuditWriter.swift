import BalanceCore

/// The only door to the audit trail: a transaction that may add lines, and whose newest line is remembered behind it.
struct AuditWriter: Sendable {
    let database: any SQLDatabase
    /// Signs the lines; nil: they are chained and not signed.
    let key: AuditKey?

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (AuditedConnection) throws -> Value
    ) async throws -> Value {
        let key = self.key
        let (value, hasWritten) = try await database.write { connection in
            let audited = AuditedConnection(connection, key)
            let value = try body(audited)
            return (value, audited.hasWritten)
        }
        if hasWritten { await rememberHead() }
        return value
    }

    /// Keeps the newest line's hash outside the database, so that a cut tail is seen.
    private func rememberHead() async {
        guard let key else { return }
        let trail = try? await database.read { connection in
            let head = try connection.rows("SELECT seq, hash, signature FROM audit_event ORDER BY seq DESC LIMIT 1")
                .first
            let known = try key.remembered.map { known in
                try connection.rows("SELECT hash FROM audit_event WHERE seq = ?", [.integer(known.sequence)])
                    .first?.text(0) == known.hash
            }
            return head.map { row in
                (
                    head: AuditHead(sequence: row.integer(0) ?? 0, hash: row.text(1) ?? "", signature: row.text(2)),
                    continues: known ?? true
                )
            }
        }
        // What does not continue the remembered line was tampered with; that must stay to be seen.
        if let trail, trail.continues { key.remember(trail.head) }
    }
}

/// One transaction that may add lines to the trail.
final class AuditedConnection: SQLConnection {
    private let connection: any SQLConnection
    private let key: AuditKey?
    private(set) var hasWritten = false

    fileprivate init(_ connection: any SQLConnection, _ key: AuditKey?) {
        self.connection = connection
        self.key = key
    }

    /// Adds a line behind the newest, and what webhooks are to be told of it.
    @discardableResult
    func append(_ event: AuditEvent) throws -> AuditEvent {
        let last = try rows("SELECT seq, hash FROM audit_event ORDER BY seq DESC LIMIT 1").first
        var event = event
        event.sequence = (last?.integer(0) ?? 0) &+ 1
        event.previousHash = last?.text(1) ?? AuditEvent.origin
        event.hash = event.expectedHash
        event.signature = key?.signature(of: event.hash)
        try execute(
            "INSERT INTO audit_event (\(AuditRows.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                .integer(event.sequence), .integer(event.at.milliseconds), .text(event.actor), .text(event.action),
                .text(event.subject), .text(event.reason), .optional(event.decisionJSON), .optional(event.fromVersion),
                .optional(event.toVersion), .optional(event.runID), .optional(event.generationBefore),
                .optional(event.generationAfter), .optional(event.policyHash), .optional(event.requestID),
                .text(event.previousHash), .text(event.hash), .optional(event.signature),
                .optional(event.accountID), .optional(event.tokenID),
            ]
        )
        try OutboxRows.enqueue(event, self)
        hasWritten = true
        return event
    }

    /// A line about a thing that is no version of a model.
    func note(_ action: AuditAction, _ subject: String, _ reason: String, by actor: Actor, at moment: Timestamp) throws
    {
        try append(AuditEvent(at: moment, by: actor, action: action, subject: subject, reason: reason))
    }

    @discardableResult
    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int { try connection.execute(sql, arguments) }

    func execute(_ sql: String, each arguments: [[SQLValue]]) throws { try connection.execute(sql, each: arguments) }

    func rows(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow] { try connection.rows(sql, arguments) }

    func freshRows(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow] {
        try connection.freshRows(sql, arguments)
    }
}
