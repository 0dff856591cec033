import BalanceCore
import Foundation

/// Webhooks and the messages that wait for them.
enum OutboxRows {
    static let columns =
        "w.webhook_id, w.url, w.format, w.secret, w.model, w.actions_json, w.is_active, w.created_at_ms"
    /// Finished messages that are kept to be looked at.
    private static let keptDays = 30

    static func webhook(_ row: SQLRow, from first: Int = 0) -> Webhook {
        Webhook(
            id: row.text(first) ?? "",
            url: row.text(first + 1) ?? "",
            format: row.text(first + 2).flatMap(Webhook.Format.init) ?? .json,
            secret: row.text(first + 3) ?? "",
            model: row.text(first + 4),
            actions: row.text(first + 5).flatMap { try? JSONValue(parsing: $0) }?.strings ?? [],
            isActive: row.integer(first + 6) == 1,
            createdAt: Timestamp(milliseconds: row.integer(first + 7) ?? 0)
        )
    }

    /// Writes down what is to be sent of a line of the trail, in the transaction that writes the line.
    static func enqueue(_ event: AuditEvent, _ connection: any SQLConnection) throws {
        let webhooks = try connection.rows("SELECT \(columns) FROM webhook w").map { webhook($0) }
        for webhook in webhooks where webhook.wants(event) {
            try connection.execute(
                "INSERT INTO webhook_delivery (delivery_id, webhook_id, subject, event_seq, body, created_at_ms, "
                    + "next_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    .text(UUID().uuidString.lowercased()), .text(webhook.id), .text(event.subject),
                    .integer(event.sequence), .text(webhook.body(of: event).text()),
                    .integer(event.at.milliseconds), .integer(event.at.milliseconds),
                ]
            )
        }
        guard !webhooks.isEmpty else { return }
        try connection.execute(
            "DELETE FROM webhook_delivery WHERE state <> 'pending' AND ended_at_ms < ?",
            [.integer(event.at.addingDays(-keptDays).milliseconds)]
        )
    }
}
