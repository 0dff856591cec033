package import BalanceService
package import BalanceCore
import BalanceNet
import HTTPTypes
import Hummingbird

/// What the routes about policies, decisions, the audit trail and webhooks work on.
package struct GovernanceSources: Sendable {
    package var governance: any Governance
    package var registry: any ModelRegistry
    package var promotions: PromotionService
    package var runs: RunPromotion
    package var tracking: any TrackingStore
    package var audit: any AuditTrail
    package var webhooks: any WebhookStore
    /// The public half of the key that signs the audit trail.
    package var publicKey: [UInt8]
    /// The newest line that is remembered outside the database, or nil.
    package var rememberedHead: @Sendable () -> AuditHead?
    /// Whether a webhook may be sent to an address; throws where it may not.
    package var checkURL: @Sendable (String) throws -> Void
    /// Sends one message at once and says how that ended.
    package var probe: @Sendable (Webhook) async -> JSONValue

    package init(
        governance: any Governance,
        registry: any ModelRegistry,
        promotions: PromotionService,
        runs: RunPromotion,
        tracking: any TrackingStore,
        audit: any AuditTrail,
        webhooks: any WebhookStore,
        publicKey: [UInt8],
        rememberedHead: @escaping @Sendable () -> AuditHead?,
        checkURL: @escaping @Sendable (String) throws -> Void,
        probe: @escaping @Sendable (Webhook) async -> JSONValue
    ) {
        self.governance = governance
        self.registry = registry
        self.promotions = promotions
        self.runs = runs
        self.tracking = tracking
        self.audit = audit
        self.webhooks = webhooks
        self.publicKey = publicKey
        self.rememberedHead = rememberedHead
        self.checkURL = checkURL
        self.probe = probe
    }
}

/// A request about a model that changes something, or would.
struct GovernedRequest {
    let fields: MLflowFields
    let transition: TransitionRequest
    let isDryRun: Bool
    /// Whether the caller takes whatever generation there is.
    let allowsAny: Bool

    init(_ request: Request, _ context: AppContext) async throws {
        fields = try await MLflowFields.body(request)
        if fields.isMalformed { throw Failure(.invalidParameter, "The body must be a JSON object.", hint: "send {}") }
        isDryRun = try fields.flag("dry_run")
        allowsAny = try fields.flag("allow_any")
        var expected = try fields.integer("expected_generation")
        if let match = request.headers[.ifMatch] {
            let named = try Self.generation(match)
            if let expected, expected != named {
                throw Failure(.invalidParameter, "If-Match and expected_generation differ.", hint: "send one of them")
            }
            expected = named
        }
        transition = TransitionRequest(
            by: try Self.actor(request, context, fields),
            reason: try Self.plain(fields.text("reason") ?? "", "reason", limit: 2000),
            expectedGeneration: expected,
            ifDecision: try Self.header("If-Decision", request) ?? fields.text("if_decision"),
            idempotencyKey: try Self.header("Idempotency-Key", request).map {
                guard !$0.isEmpty else { throw Failure(.invalidParameter, "The Idempotency-Key is empty.") }
                return try Self.plain($0, "Idempotency-Key", limit: 255)
            }
        )
    }

    /// Refuses a move whose caller did not say what it saw.
    func requireGeneration(_ slot: Slot) throws {
        guard transition.expectedGeneration == nil, transition.ifDecision == nil, !allowsAny else { return }
        throw Failure(
            .generationRequired,
            "Missing generation of '\(slot.model)' that the request is based on.",
            hint:
                "send expected_generation (now \(slot.generation)), If-Match: \"g\(slot.generation)\", or allow_any: true",
            details: slot.json
        )
    }

    /// Refuses a move that nobody gave a reason for.
    func requireReason() throws {
        guard transition.reason.allSatisfy(\.isWhitespace) else { return }
        throw Failure(.invalidParameter, "Missing reason.", hint: "send \"reason\" with the reason for the change")
    }

    /// Who asks: the account, or without accounts whom the request names.
    private static func actor(_ request: Request, _ context: AppContext, _ fields: MLflowFields) throws -> Actor {
        let name = try header("X-BalanceOps-Actor", request) ?? fields.text("actor")
        return try context.actor(saying: name.map { try plain($0, "actor", limit: 200) }, otherwise: "api")
    }

    private static func header(_ name: String, _ request: Request) throws -> String? {
        HTTPField.Name(name).flatMap { request.headers[$0] }
    }

    private static func plain(_ text: String, _ name: String, limit: Int) throws -> String {
        guard text.utf8.count <= limit, text.isOneLine else {
            throw Failure(.invalidParameter, "Invalid '\(name)': use at most \(limit) bytes and no control characters.")
        }
        return text
    }

    /// `"g17"` as 17.
    private static func generation(_ text: String) throws -> Int {
        let inner = text.trimmingPrefix("W/").filter { $0 != "\"" }
        guard inner.hasPrefix("g"), let number = Int(inner.dropFirst()), number >= 0 else {
            throw Failure(
                .invalidParameter,
                "invalid If-Match '\(text.prefix(50))'",
                hint: "use the generation in quotes, such as \"g17\""
            )
        }
        return number
    }
}

extension RouteDescription {
    /// A route below a registered model.
    static func governed(
        _ method: String,
        _ path: String,
        _ summary: String,
        body: String? = nil,
        answer: String,
        or alternatives: [String] = [],
        failures: [Failure.Code] = []
    ) -> RouteDescription {
        RouteDescription(
            method,
            path,
            summary,
            body: body,
            answer: answer,
            or: alternatives,
            failures: [.resourceNotFound, .invalidParameter] + failures
        )
    }
}
