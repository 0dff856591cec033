import BalanceCore
import Foundation
import Hummingbird

/// Webhooks: added, looked at, tried, removed.
struct WebhooksController: Sendable {
    let sources: GovernanceSources

    static let routes: [RouteDescription] = [
        RouteDescription("GET", "/webhooks", "The webhooks, without their secrets.", answer: "WebhookList"),
        RouteDescription(
            "POST",
            "/webhooks",
            "Adds a webhook; only this response has its secret.",
            body: "WebhookRequest",
            answer: "Webhook",
            failures: [.invalidParameter, .urlNotAllowed]
        ),
        .governed(
            "DELETE",
            "/webhooks/{id}",
            "Removes a webhook and its pending deliveries.",
            body: "GovernanceRequest",
            answer: "Done"
        ),
        .governed(
            "GET",
            "/webhooks/{id}/deliveries",
            "The deliveries of a webhook, newest first.",
            answer: "DeliveryList"
        ),
        .governed(
            "POST",
            "/webhooks/{id}/test",
            "Sends one test message and returns the result.",
            answer: "WebhookProbe"
        ),
    ]

    func addRoutes(to router: Router<AppContext>) {
        router.get("/webhooks") { _, _ in
            let all = try await sources.webhooks.webhooks()
            return Response.json(.object([("items", .array(all.map(\.json))), ("count", .int(all.count))]))
        }
        router.post("/webhooks") { request, context in Response.json(try await add(request, context)) }
        router.delete("/webhooks/:id") { request, context in
            let asked = try await GovernedRequest(request, context)
            try await sources.webhooks.removeWebhook(context.text("id"), actor: asked.transition.actor)
            return Response.json(.object([("ok", .bool(true))]))
        }
        router.get("/webhooks/:id/deliveries") { _, context in
            let all = try await sources.webhooks.deliveries(of: context.text("id"), limit: 200)
            return Response.json(.object([("items", .array(all.map(\.json))), ("count", .int(all.count))]))
        }
        router.post("/webhooks/:id/test") { _, context in
            Response.json(await sources.probe(try await sources.webhooks.webhook(context.text("id"))))
        }
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
        try await sources.webhooks.addWebhook(webhook, actor: asked.transition.actor)
        return .object((webhook.json.members ?? []) + [("secret", .string(webhook.secret))])
    }
}
