import ArgumentParser
import BalanceCore

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

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "The URL to send to.") var url: String
    @Option(help: "json or slack.") var format = "json"
    @Option(help: "Only events of this model.") var model: String?
    @Option(help: "Only this action, such as `promoted`; can be repeated.") var action: [String] = []
    @Option(help: "The secret, at least 16 bytes; generated when omitted.") var secret: String?
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        var body: [(String, JSONValue)] = [
            ("url", .string(url)), ("format", .string(format)), ("actions", .strings(action)),
        ]
        if let model { body.append(("model", .string(model))) }
        if let secret { body.append(("secret", .string(secret))) }
        let made = try await place.api(as: actorOptions).value("POST", "/webhooks", body: .object(body))
        if json { return Output.json(made) }
        Output.ok("added \(made["id"]?.string ?? "")")
        Output.line("secret: \(made["secret"]?.string ?? "")")
    }
}

/// `balanceops webhook list`.
struct WebhookList: ExemplifiedCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the webhooks.")
    static let examples = ["balanceops webhook list"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let all = try await place.reading().value("GET", "/webhooks")["items"]?.elements ?? []
        if json { return Output.json(.array(all)) }
        let rows = all.map { hook in
            [
                hook["id"]?.string ?? "", hook["format"]?.string ?? "", hook["model"]?.string ?? "all models",
                (hook["actions"]?.strings ?? []).joined(separator: ", "), hook["url"]?.string ?? "",
            ]
        }
        TextTable.lines(rows).forEach(Output.line)
        if rows.isEmpty { Output.note("no webhooks; balanceops webhook add URL adds one") }
    }
}

/// `balanceops webhook remove`.
struct WebhookRemove: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Removes a webhook and its pending deliveries."
    )
    static let examples = ["balanceops webhook remove wh-0123456789abcdef"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "The webhook ID.") var id: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let answer = try await place.api(as: actorOptions).value("DELETE", "/webhooks/\(id.percentEncoded)")
        json ? Output.json(answer) : Output.ok("removed \(id)")
    }
}

/// `balanceops webhook deliveries`.
struct WebhookDeliveries: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliveries",
        abstract: "Lists the sent and pending deliveries of a webhook."
    )
    static let examples = ["balanceops webhook deliveries wh-0123456789abcdef"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Argument(help: "The webhook ID.") var id: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let path = "/webhooks/\(id.percentEncoded)/deliveries"
        let all = try await place.reading().value("GET", path)["items"]?.elements ?? []
        if json { return Output.json(.array(all)) }
        let rows = all.map { sent in
            [
                Plain.time(sent["created_at"]), sent["model"]?.string ?? "", sent["state"]?.string ?? "",
                Plain.count(sent["attempts"]?.integer ?? 0, "attempt"), sent["last_error"]?.string ?? "",
            ]
        }
        TextTable.lines(rows).forEach(Output.line)
    }
}

/// `balanceops webhook test`.
struct WebhookTest: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Sends one test message to a webhook and prints the result."
    )
    static let examples = ["balanceops webhook test wh-0123456789abcdef"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "The webhook ID.") var id: String

    func run() async throws {
        let path = "/webhooks/\(id.percentEncoded)/test"
        let report = try await place.api(as: actorOptions).value("POST", path, body: .object([]))
        Output.json(report)
        if report["delivered"]?.boolean != true { throw ExitCode(1) }
    }
}
