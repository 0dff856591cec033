import BalanceSystem
package import BalanceCore

/// Webhooks in an SQL database.
package struct SQLWebhookStore: WebhookStore {
    private let database: any SQLDatabase
    private let audit: AuditWriter

    package init(database: any SQLDatabase, key: AuditKey?) {
        self.database = database
        audit = AuditWriter(database: database, key: key)
    }

    /// Each is told of every move, in its transaction.
    private static let maximumWebhooks = 50

    private static let deliveryColumns =
        "d.seq, d.delivery_id, d.subject, d.body, d.state, d.attempts, d.created_at_ms, d.next_at_ms, d.last_error, "
        + OutboxRows.columns

    package func addWebhook(_ webhook: Webhook, by actor: Actor) async throws {
        try await audit.write { connection in
            let count = try connection.rows("SELECT COUNT(*) FROM webhook").first?.integer(0) ?? 0
            guard count < Self.maximumWebhooks else {
                throw Failure(
                    .invalidParameter,
                    "too many webhooks: \(count) of at most \(Self.maximumWebhooks)",
                    hint: "remove one: balanceops webhook remove ID"
                )
            }
            try connection.execute(
                "INSERT INTO webhook (webhook_id, url, format, secret, model, actions_json, is_active, created_at_ms) "
                    + "VALUES (?, ?, ?, ?, ?, ?, 1, ?)",
                [
                    .text(webhook.id), .text(webhook.url), .text(webhook.format.rawValue), .text(webhook.secret),
                    .optional(webhook.model), .text(JSONValue.strings(webhook.actions).text()),
                    .integer(webhook.createdAt.milliseconds),
                ]
            )
            try Self.note(.webhookAdded, webhook, actor, connection)
        }
    }

    package func removeWebhook(_ id: String, by actor: Actor) async throws {
        try await audit.write { connection in
            let webhook = try Self.find(id, connection)
            try Self.note(.webhookRemoved, webhook, actor, connection)
            try connection.execute("DELETE FROM webhook WHERE webhook_id = ?", [.text(id)])
        }
    }

    package func webhooks() async throws -> [Webhook] {
        try await database.read { connection in
            try connection.rows("SELECT \(OutboxRows.columns) FROM webhook w ORDER BY created_at_ms, webhook_id")
                .map { OutboxRows.webhook($0) }
        }
    }

    package func webhook(_ id: String) async throws -> Webhook {
        try await database.read { try Self.find(id, $0) }
    }

    package func dueDeliveries(at moment: Timestamp, limit: Int) async throws -> [WebhookDelivery] {
        try await database.read { connection in
            try connection.rows(
                "SELECT \(Self.deliveryColumns) FROM webhook_delivery d JOIN webhook w ON w.webhook_id = d.webhook_id "
                    + "WHERE d.state = 'pending' AND d.next_at_ms <= ? AND d.seq = (SELECT MIN(o.seq) "
                    + "FROM webhook_delivery o WHERE o.state = 'pending' AND o.webhook_id = d.webhook_id "
                    + "AND o.subject = d.subject) ORDER BY d.seq LIMIT ?",
                [.integer(moment.milliseconds), .integer(limit)]
            ).map(Self.delivery)
        }
    }

    package func claim(_ delivery: WebhookDelivery, until moment: Timestamp) async throws -> Bool {
        try await database.writeTogether { connection in
            try connection.execute(
                "UPDATE webhook_delivery SET next_at_ms = ? WHERE seq = ? AND state = 'pending' AND next_at_ms = ?",
                [
                    .integer(moment.milliseconds), .integer(delivery.sequence),
                    .integer(delivery.nextAt.milliseconds),
                ]
            ) == 1
        }
    }

    package func deliveries(of webhook: String, limit: Int) async throws -> [WebhookDelivery] {
        try await database.read { connection in
            _ = try Self.find(webhook, connection)
            return try connection.rows(
                "SELECT \(Self.deliveryColumns) FROM webhook_delivery d JOIN webhook w ON w.webhook_id = d.webhook_id "
                    + "WHERE d.webhook_id = ? ORDER BY d.seq DESC LIMIT ?",
                [.text(webhook), .integer(limit)]
            ).map(Self.delivery)
        }
    }

    package func record(
        _ delivery: WebhookDelivery,
        error: String?,
        next: Timestamp?,
        at moment: Timestamp
    ) async throws {
        let state = next != nil ? "pending" : error == nil ? "delivered" : "failed"
        try await database.writeTogether { connection in
            _ = try connection.execute(
                "UPDATE webhook_delivery SET state = ?, attempts = attempts + 1, next_at_ms = ?, ended_at_ms = ?, "
                    + "last_error = ? WHERE seq = ?",
                [
                    .text(state), .integer((next ?? moment).milliseconds),
                    .optional(next == nil ? moment.milliseconds : nil), .optional(error),
                    .integer(delivery.sequence),
                ]
            )
        }
    }

    private static func find(_ id: String, _ connection: any SQLConnection) throws -> Webhook {
        let rows = try connection.rows(
            "SELECT \(OutboxRows.columns) FROM webhook w WHERE w.webhook_id = ?",
            [.text(id)]
        )
        guard let row = rows.first else {
            throw Failure(.resourceNotFound, "webhook '\(id.prefix(100))' not found", hint: "balanceops webhook list")
        }
        return OutboxRows.webhook(row)
    }

    private static func note(
        _ action: AuditAction,
        _ webhook: Webhook,
        _ actor: Actor,
        _ connection: AuditedConnection
    ) throws {
        let host = webhook.url.split(separator: "/").dropFirst().first.map(String.init) ?? ""
        try connection.note(action, webhook.id, "to \(host)", by: actor, at: .now())
    }

    private static func delivery(_ row: SQLRow) -> WebhookDelivery {
        WebhookDelivery(
            sequence: row.integer(0) ?? 0,
            id: row.text(1) ?? "",
            webhook: OutboxRows.webhook(row, from: 9),
            subject: row.text(2) ?? "",
            body: row.text(3) ?? "",
            state: row.text(4) ?? "",
            attempts: row.integer(5) ?? 0,
            createdAt: Timestamp(milliseconds: row.integer(6) ?? 0),
            nextAt: Timestamp(milliseconds: row.integer(7) ?? 0),
            lastError: row.text(8)
        )
    }
}
