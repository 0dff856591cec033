import BalanceCore
import BalanceService
import BalanceNet
import Foundation
import Hummingbird

/// Webhooks: added, looked at, tried, removed.
struct WebhooksController: Sendable {
    let sources: GovernanceSources

    var endpoints: [Endpoint] {
        [
            Endpoint(
                .init("GET", "/webhooks", "The webhooks, without their secrets.", answer: "WebhookList"),
                .administer
            ) { _, _ in Self.list(try await sources.webhooks.webhooks().map(\.json)) },
            Endpoint(
                .init(
                    "POST",
                    "/webhooks",
                    "Adds a webhook; only this response has its secret.",
                    body: "WebhookRequest",
                    answer: "Webhook",
                    failures: [.invalidParameter, .urlNotAllowed]
                ),
                .administer
            ) { .json(try await add($0, $1)) },
            Endpoint(
                .governed(
                    "DELETE",
                    "/webhooks/{id}",
                    "Removes a webhook and its pending deliveries.",
                    body: "GovernanceRequest",
                    answer: "Done"
                ),
                .administer
            ) { request, context in
                let asked = try await GovernedRequest(request, context)
                try await sources.webhooks.removeWebhook(context.text("id"), by: asked.transition.actor)
                return .json(.object([("ok", .bool(true))]))
            },
            Endpoint(
                .governed(
                    "GET",
                    "/webhooks/{id}/deliveries",
                    "The deliveries of a webhook, newest first.",
                    answer: "DeliveryList"
                ),
                .administer
            ) { Self.list(try await sources.webhooks.deliveries(of: $1.text("id"), limit: 200).map(\.json)) },
            Endpoint(
                .governed(
                    "POST",
                    "/webhooks/{id}/test",
                    "Sends one test message and returns the result.",
                    answer: "WebhookProbe"
                ),
                .administer
            ) { .json(await sources.probe(try await sources.webhooks.webhook($1.text("id")))) },
        ]
    }

    private static func list(_ items: [JSONValue]) -> Response {
        .json(.object([("items", .array(items)), ("count", .int(items.count))]))
    }

    private func add(_ request: Request, _ context: AppContext) async throws -> JSONValue {
        let asked = try await GovernedRequest(request, context)
        let fields = asked.fields
        let webhook = try Webhook(
            url: fields.required("url"),
            format: fields.text("format"),
            secret: fields.text("secret"),
            model: fields.text("model"),
            actions: fields.texts("actions")
        )
        try sources.checkURL(webhook.url)
        try await sources.webhooks.addWebhook(webhook, by: asked.transition.actor)
        return .object((webhook.json.members ?? []) + [("secret", .string(webhook.secret))])
    }
}
