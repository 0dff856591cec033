import BalanceService
import ArgumentParser
import BalanceCore
import BalanceStore
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

    @OptionGroup var options: SettingsOptions
    @Option(help: "Only entries of this model, policy or webhook.") var model: String?
    @Option(help: "The maximum number of entries.") var limit = 20
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        if !(1...100_000).contains(limit) { throw ValidationError("--limit must be between 1 and 100000.") }
    }

    func run() async throws {
        let workspace = try await Workspace.open(options.load(), creates: false)
        let events = try await workspace.audit.auditEvents(subject: model, before: nil, limit: limit)
        if json { return Output.json(.array(events.map(\.json))) }
        for event in events { Output.line("\(event.sequence)  \(event.at.iso8601)  \(Webhook.sentence(event))") }
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

    @OptionGroup var options: SettingsOptions
    @Option(help: "A head stored elsewhere: the output of audit head or GET /audit/head; can be repeated.")
    var against: [String] = []
    @Option(help: "An additional public key that entries may be signed with; can be repeated.")
    var publicKey: [String] = []
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let settings = try await options.load()
        let workspace = try await Workspace.open(settings, creates: false)
        let remembered = AuditKey.head(besideKey: Workspace.auditKeyPath(settings))
        let heads = try against.map(Self.head) + [remembered].compactMap { $0 }
        let keys = try [workspace.auditKey.publicKey] + publicKey.map(Self.key)
        let report = try await workspace.audit.verification(
            keys: keys,
            heads: heads,
            governance: workspace.governance
        )
        if json { Output.json(report.json) }
        if let problem = report.problem {
            throw Failure(
                .auditBroken,
                "the audit trail is broken: \(problem.message)",
                hint: "compare it with a backup or an export; GET /audit/\(problem.sequence) shows the entry"
            )
        }
        if !json, heads.isEmpty { Output.note("[WARN] no head to compare with: a truncated trail cannot be detected") }
        if !json {
            Output.ok("\(report.count) entries, \(report.signed) signatures, \(heads.count) heads: trail is intact")
        }
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

    private static func key(_ path: String) throws -> [UInt8] {
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let key = Data(base64Encoded: text.trimmingCharacters(in: .whitespacesAndNewlines)), key.count == 32
        else {
            throw Failure(
                .fileNotFound,
                "\(path) is not a public key",
                hint: "the public key is next to the key, with the suffix .pub"
            )
        }
        return Array(key)
    }
}

/// `balanceops audit export`.
struct AuditExport: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Prints the complete audit trail as JSON lines, oldest first."
    )
    static let examples = ["balanceops audit export > audit.jsonl"]

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let workspace = try await Workspace.open(options.load(), creates: false)
        var last: Int?
        while true {
            let events = try await workspace.audit.auditLines(after: last, limit: 1000)
            guard let newest = events.last else { return }
            for event in events { Output.line(event.json.text()) }
            last = newest.sequence
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

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let workspace = try await Workspace.open(options.load(), creates: false)
        guard let head = try await workspace.audit.auditHead() else {
            throw Failure(
                .resourceNotFound,
                "the audit trail is empty",
                hint: "balanceops train-dummy adds an entry"
            )
        }
        Output.json(head.json)
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

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The number of the entry.") var line: Int
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load(), creates: false)
        guard let event = try await workspace.audit.auditEvent(line) else {
            throw Failure(.resourceNotFound, "the audit trail has no entry \(line)", hint: "balanceops audit log")
        }
        let replay = try await AuditReplay(event, workspace.governance)
        if json {
            Output.json(replay.json)
        } else {
            Output.line(DecisionTable.headline(replay.again.json))
            DecisionTable.lines(replay.again.json).forEach(Output.line)
        }
        guard replay.isSame else {
            throw Failure(
                .auditBroken,
                "entry \(line) records a different decision than the replay of its facts",
                hint: "balanceops audit verify"
            )
        }
        if !json { Output.ok("same decision as recorded in entry \(line)") }
    }
}
