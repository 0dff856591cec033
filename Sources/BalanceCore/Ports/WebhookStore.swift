/// Somebody who wants to be told what happens to models.
package struct Webhook: Sendable, Hashable {
    package enum Format: String, Sendable, CaseIterable { case json, slack }

    package var id: String
    package var url: String
    package var format: Format
    /// What deliveries are signed with; it is never given out again.
    package var secret: String
    /// The one model that it is about; nil: all.
    package var model: String?
    /// The actions of the audit trail that it is told of; empty: all.
    package var actions: [String]
    package var isActive: Bool
    package var createdAt: Timestamp

    package init(
        id: String,
        url: String,
        format: Format,
        secret: String,
        model: String?,
        actions: [String],
        isActive: Bool = true,
        createdAt: Timestamp
    ) {
        self.id = id
        self.url = url
        self.format = format
        self.secret = secret
        self.model = model
        self.actions = actions
        self.isActive = isActive
        self.createdAt = createdAt
    }

    package var json: JSONValue {
        .object([
            ("id", .string(id)), ("url", .string(url)), ("format", .string(format.rawValue)),
            ("model", .optional(model)), ("actions", .strings(actions)), ("active", .bool(isActive)),
            ("created_at", .string(createdAt.iso8601)),
        ])
    }

    /// Whether it is told of a line of the trail.
    package func wants(_ event: AuditEvent) -> Bool {
        // That it was added or removed is told to the others.
        isActive && event.subject != id && (model == nil || model == event.subject)
            && (actions.isEmpty || actions.contains(event.action))
    }

    /// What is sent about a line of the trail.
    package func body(of event: AuditEvent) -> JSONValue {
        switch format {
        case .slack: return .object([("text", .string(Self.slack(Self.sentence(event))))])
        case .json:
            let decision = event.decision
            func number(_ value: Int?) -> JSONValue { value.map(JSONValue.int) ?? .null }
            return .object([
                ("event", .string(event.action)), ("model", .string(event.subject)), ("at", .string(event.at.iso8601)),
                ("actor", .string(event.actor)), ("reason", .string(event.reason)),
                ("from_version", number(event.fromVersion)), ("to_version", number(event.toVersion)),
                ("generation", number(event.generationAfter)), ("policy_hash", .optional(event.policyHash)),
                ("decision", decision?["decision"] ?? .null), ("rules", decision?["rules"] ?? .null),
                ("audit", AuditHead(sequence: event.sequence, hash: event.hash, signature: event.signature).json),
                ("text", .string(Self.sentence(event))),
            ])
        }
    }

    /// A line of the trail as one sentence.
    package static func sentence(_ event: AuditEvent) -> String {
        let from = event.fromVersion.map { "v\($0)" } ?? "nothing"
        let to = event.toVersion.map { "v\($0)" } ?? "nothing"
        let moved = event.generationBefore != event.generationAfter
        let change = moved ? " \(from) -> \(to)" : event.toVersion == nil ? "" : " \(to)"
        return "\(event.subject): \(event.action)\(change) by \(event.actor): \(event.reason)".oneLine
    }

    /// Text in which Slack sees no command and no link.
    private static func slack(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.flatMap { scalar -> [Unicode.Scalar] in
                    switch scalar {
                    case "&": Array("&amp;".unicodeScalars)
                    case "<": Array("&lt;".unicodeScalars)
                    case ">": Array("&gt;".unicodeScalars)
                    default: [scalar]
                    }
                }
            )
        )
    }
}

/// A message that is to reach a webhook, or did.
package struct WebhookDelivery: Sendable {
    package var sequence: Int
    /// The same for every try.
    package var id: String
    package var webhook: Webhook
    package var subject: String
    package var body: String
    package var state: String
    package var attempts: Int
    package var createdAt: Timestamp
    package var nextAt: Timestamp
    package var lastError: String?

    package init(
        sequence: Int,
        id: String,
        webhook: Webhook,
        subject: String,
        body: String,
        state: String,
        attempts: Int,
        createdAt: Timestamp,
        nextAt: Timestamp,
        lastError: String?
    ) {
        self.sequence = sequence
        self.id = id
        self.webhook = webhook
        self.subject = subject
        self.body = body
        self.state = state
        self.attempts = attempts
        self.createdAt = createdAt
        self.nextAt = nextAt
        self.lastError = lastError
    }

    package var json: JSONValue {
        .object([
            ("id", .string(id)), ("webhook", .string(webhook.id)), ("model", .string(subject)),
            ("state", .string(state)), ("attempts", .int(attempts)), ("created_at", .string(createdAt.iso8601)),
            ("next_at", .string(nextAt.iso8601)), ("last_error", .optional(lastError)),
        ])
    }
}

/// Webhooks, and the messages that wait for them in the order of each model.
package protocol WebhookStore: Sendable {
    func addWebhook(_ webhook: Webhook, by actor: Actor) async throws
    /// - Throws: `Failure` with code `resourceNotFound`.
    func removeWebhook(_ id: String, by actor: Actor) async throws
    func webhooks() async throws -> [Webhook]
    /// - Throws: `Failure` with code `resourceNotFound`.
    func webhook(_ id: String) async throws -> Webhook
    /// The oldest waiting message of each webhook and model whose time has come.
    func dueDeliveries(at: Timestamp, limit: Int) async throws -> [WebhookDelivery]
    /// Takes a message for this process until a moment; false where another one took it.
    func claim(_ delivery: WebhookDelivery, until: Timestamp) async throws -> Bool
    func deliveries(of webhook: String, limit: Int) async throws -> [WebhookDelivery]
    /// Records how a try ended; `next` nil ends it for good.
    func record(_ delivery: WebhookDelivery, error: String?, next: Timestamp?, at: Timestamp) async throws
}
