import ArgumentParser
import BalanceCore
import Foundation

/// `balanceops audit`.
struct Audit: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Shows, verifies and exports the audit trail, and replays its decisions.",
        subcommands: [
            AuditLog.self, AuditVerify.self, AuditExport.self, AuditHeadCommand.self, AuditReplayCommand.self,
        ]
    )
    static let examples = AuditLog.examples + AuditVerify.examples + AuditExport.examples
}

/// `balanceops audit log`.
struct AuditLog: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Prints the newest entries of the audit trail: who did what, when and why."
    )
    static let examples = ["balanceops audit log --model credit --limit 5"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Option(help: "Only entries of this model, policy or webhook.") var model: String?
    @Option(help: "The maximum number of entries.") var limit = 20
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        if !(1...100_000).contains(limit) { throw ValidationError("--limit must be between 1 and 100000.") }
    }

    func run() async throws {
        let events = try await events(place.reading())
        if json { return Output.json(.array(events)) }
        for event in events {
            guard let event = AuditEvent(json: event) else { continue }
            Output.line("\(event.sequence)  \(Plain.time(event.at))  \(Webhook.sentence(event))")
        }
    }

    private func events(_ api: any API) async throws -> [JSONValue] {
        var found: [JSONValue] = []
        var before = ""
        while found.count < limit {
            let subject = model.map { "&subject=\($0.percentEncoded)" } ?? ""
            let path = "/audit?limit=\(min(limit - found.count, 1000))\(subject)\(before)"
            let page = try await api.value("GET", path)["items"]?.elements ?? []
            guard let last = page.last?["seq"]?.integer else { return found }
            found += page
            before = "&before=\(last)"
        }
        return found
    }
}

/// `balanceops audit verify`.
struct AuditVerify: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verifies every entry of the audit trail and reports the first altered entry.",
        discussion: """
            A changed, missing or reordered entry breaks the hash chain; a rewritten trail lacks valid signatures; a
            truncated trail lacks the entry recorded next to the key, or the entry of a head stored elsewhere
            (--against).
            Exit status: 0 the trail is intact, 1 it is not.
            """
    )
    static let examples = [
        "balanceops audit verify", "balanceops audit verify --against head.json --public-key audit.pub",
    ]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Option(help: "A head stored elsewhere: the output of audit head or GET /audit/head; can be repeated.")
    var against: [String] = []
    @Option(help: "An additional public key that entries may be signed with; can be repeated.")
    var publicKey: [String] = []
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let body = JSONValue.object([
            ("heads", .array(try against.map { try Self.head($0).json })),
            ("public_keys", .strings(try publicKey.map(Self.key))),
        ])
        let report = try await place.reading().value("POST", "/audit/verify", body: body)
        if json { Output.json(report) }
        if let problem = report["problem"], let sequence = problem["seq"]?.integer {
            throw Failure(
                .auditBroken,
                "the audit trail is broken: \(problem["message"]?.string ?? "")",
                hint: "compare it with a backup or an export; GET /audit/\(sequence) shows the entry"
            )
        }
        if json { return }
        let heads = report["heads"]?.integer ?? 0
        if heads == 0 { Output.note("[WARN] no head to compare with: a truncated trail cannot be detected") }
        let counts = [("lines", "entries"), ("signatures", "signatures")].map { "\(report[$0]?.integer ?? 0) \($1)" }
        Output.ok("\(counts.joined(separator: ", ")), \(Plain.count(heads, "head")): trail is intact")
    }

    private static func head(_ path: String) throws -> AuditHead {
        guard let bytes = FileManager.default.contents(atPath: path),
            let head = (try? JSONValue(parsing: Array(bytes))).flatMap(AuditHead.init)
        else {
            throw Failure(
                .fileNotFound,
                "\(path) is not an audit trail head",
                hint: "balanceops audit head > head.json"
            )
        }
        return head
    }

    private static func key(_ path: String) throws -> String {
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let key = Data(base64Encoded: text.trimmingCharacters(in: .whitespacesAndNewlines)), key.count == 32
        else {
            throw Failure(
                .fileNotFound,
                "\(path) is not a public key",
                hint: "the public key is next to the key, with the suffix .pub"
            )
        }
        return key.base64EncodedString()
    }
}

/// `balanceops audit export`.
struct AuditExport: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Prints the complete audit trail as JSON lines, oldest first."
    )
    static let examples = ["balanceops audit export > audit.jsonl"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions

    func run() async throws {
        let api = try await place.reading()
        var last = 0
        while true {
            let events = try await api.value("GET", "/audit?after=\(last)&limit=1000")["items"]?.elements ?? []
            guard let newest = events.last?["seq"]?.integer else { return }
            for event in events { Output.line(event.text()) }
            last = newest
        }
    }
}

/// `balanceops audit head`.
struct AuditHeadCommand: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "head",
        abstract: "Prints the number, hash and signature of the newest entry, to store elsewhere."
    )
    static let examples = ["balanceops audit head > head.json"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions

    func run() async throws {
        let head = try await place.reading().value("GET", "/audit/head")
        guard head["seq"]?.integer ?? 0 > 0 else {
            throw Failure(
                .resourceNotFound,
                "the audit trail is empty",
                hint: "balanceops train-dummy adds an entry"
            )
        }
        Output.json(head)
    }
}

/// `balanceops audit replay`.
struct AuditReplayCommand: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Replays a recorded decision with the recorded policy and facts.",
        discussion: "Exit status: 0 same decision, 1 different decision."
    )
    static let examples = ["balanceops audit replay 17"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Argument(help: "The number of the entry.") var line: Int
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let replay = try await place.reading().value("GET", "/audit/\(line)/replay")
        if json {
            Output.json(replay)
        } else if let again = replay["again"] {
            Output.line(DecisionTable.headline(again))
            DecisionTable.lines(again).forEach(Output.line)
        }
        guard replay["same"]?.boolean == true else {
            throw Failure(
                .auditBroken,
                "entry \(line) records a different decision than the replay of its facts",
                hint: "balanceops audit verify"
            )
        }
        if !json { Output.ok("same decision as recorded in entry \(line)") }
    }
}
