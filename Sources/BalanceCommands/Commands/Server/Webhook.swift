import ArgumentParser
import BalanceCore
import BalanceService
import Logging

/// `balanceops webhook`.
struct WebhookCommand: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook",
        abstract: "Manages webhooks, which notify other programs of changes to models.",
        subcommands: [
            WebhookAdd.self, WebhookList.self, WebhookRemove.self, WebhookDeliveries.self, WebhookTest.self,
        ]
    )
    static let examples = WebhookAdd.examples + WebhookList.examples
}

/// `balanceops webhook add`.
struct WebhookAdd: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Adds a webhook and prints its secret once.",
        discussion: """
            Each message is signed: X-BalanceOps-Signature is v1 and the HMAC-SHA256 of id.timestamp.body with its
            secret. Failed deliveries are retried for up to a day, in order per model. `balanceops serve` sends them.
            """
    )
    static let examples = [
        "balanceops webhook add https://example.com/hook --model credit",
        "balanceops webhook add https://hooks.slack.com/services/T0/B0/X --format slack --action promoted --action \"rolled back\"",
    ]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @Argument(help: "The URL to send to.") var url: String
    @Option(help: "json or slack.") var format = "json"
    @Option(help: "Only events of this model.") var model: String?
    @Option(help: "Only this action, such as `promoted`; can be repeated.") var action: [String] = []
    @Option(help: "The secret, at least 16 bytes; generated when omitted.") var secret: String?
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let settings = try await options.load()
        let workspace = try await Workspace.open(settings)
        _ = try OutboundRules(allowed: settings[.webhookHosts].text).target(url)
        let webhook = try Webhook(url: url, format: format, secret: secret, model: model, actions: action)
        try await workspace.webhooks.addWebhook(webhook, by: actorOptions.actor(in: workspace))
        if json { return Output.json(.object((webhook.json.members ?? []) + [("secret", .string(webhook.secret))])) }
        Output.ok("added \(webhook.id)")
        Output.line("secret: \(webhook.secret)")
    }
}

/// `balanceops webhook list`.
struct WebhookList: ExemplifiedCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the webhooks.")
    static let examples = ["balanceops webhook list"]

    @OptionGroup var options: SettingsOptions
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let all = try await Workspace.open(options.load(), creates: false).webhooks.webhooks()
        if json { return Output.json(.array(all.map(\.json))) }
        let rows = all.map { hook in
            [hook.id, hook.format.rawValue, hook.model ?? "all models", hook.actions.joined(separator: ", "), hook.url]
        }
        DecisionTable.table(rows).forEach(Output.line)
    }
}

/// `balanceops webhook remove`.
struct WebhookRemove: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Removes a webhook and its pending deliveries."
    )
    static let examples = ["balanceops webhook remove wh-0123456789abcdef"]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @Argument(help: "The webhook ID.") var id: String

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        try await workspace.webhooks.removeWebhook(id, by: actorOptions.actor(in: workspace))
        Output.ok("removed \(id)")
    }
}

/// `balanceops webhook deliveries`.
struct WebhookDeliveries: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliveries",
        abstract: "Lists the sent and pending deliveries of a webhook."
    )
    static let examples = ["balanceops webhook deliveries wh-0123456789abcdef"]

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The webhook ID.") var id: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let all = try await Workspace.open(options.load(), creates: false).webhooks.deliveries(of: id, limit: 100)
        if json { return Output.json(.array(all.map(\.json))) }
        let rows = all.map { [$0.createdAt.iso8601, $0.subject, $0.state, "\($0.attempts) tries", $0.lastError ?? ""] }
        DecisionTable.table(rows).forEach(Output.line)
    }
}

/// `balanceops webhook test`.
struct WebhookTest: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Sends one test message to a webhook and prints the result."
    )
    static let examples = ["balanceops webhook test wh-0123456789abcdef"]

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The webhook ID.") var id: String

    func run() async throws {
        let settings = try await options.load()
        let workspace = try await Workspace.open(settings)
        let webhook = try await workspace.webhooks.webhook(id)
        let rules = OutboundRules(allowed: settings[.webhookHosts].text)
        let sender = WebhookSender(store: workspace.webhooks, rules: rules, logger: Logger(label: "balanceops"))
        let report = await sender.probe(webhook)
        Output.json(report)
        if report["delivered"]?.boolean != true { throw ExitCode(1) }
    }
}
