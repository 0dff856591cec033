import ArgumentParser
import BalanceCore
import BalanceStore
import Foundation

/// `balanceops audit`.
struct Audit: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Shows, checks and exports the audit trail, and makes its decisions again.",
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
        abstract: "Prints the newest lines of the audit trail: who did what, when and why."
    )
    static let examples = ["balanceops audit log --model credit --limit 5"]

    @OptionGroup var options: SettingsOptions
    @Option(help: "Only what was done to this model, policy or webhook.") var model: String?
    @Option(help: "How many lines.") var limit = 20
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        if !(1...100_000).contains(limit) { throw ValidationError("--limit is between 1 and 100000.") }
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
        abstract: "Looks at every line of the audit trail and names the first that is not as it was written.",
        discussion: """
            A changed, missing or moved line breaks the chain of hashes; a trail that was written anew lacks the signatures; a
            cut end lacks the line that is remembered beside the key, or in a head that was kept elsewhere (--against).
            Exit status: 0 all is well, 1 it is not.
            """
    )
    static let examples = [
        "balanceops audit verify", "balanceops audit verify --against head.json --public-key audit.pub",
    ]

    @OptionGroup var options: SettingsOptions
    @Option(help: "A head that was kept elsewhere: what audit head or GET /audit/head gave.") var against: [String] = []
    @Option(help: "A public key that lines may be signed by, besides the one at hand.") var publicKey: [String] = []
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
                hint: "compare it with a backup or an export; GET /audit/\(problem.sequence) shows the line"
            )
        }
        if !json, heads.isEmpty { Output.note("[WARN] no head is at hand: whether the end was cut off cannot be told") }
        if !json {
            Output.ok("\(report.count) lines, \(report.signed) signatures, \(heads.count) heads: all as it was written")
        }
    }

    private static func head(_ path: String) throws -> AuditHead {
        guard let bytes = FileManager.default.contents(atPath: path),
            let head = (try? JSONValue(parsing: Array(bytes))).flatMap(AuditHead.init)
        else {
            throw Failure(
                .fileNotFound,
                "\(path) holds no head of an audit trail",
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
                "\(path) holds no public key",
                hint: "it is beside the key, with .pub behind its name"
            )
        }
        return Array(key)
    }
}

/// `balanceops audit export`.
struct AuditExport: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Prints the whole audit trail as JSON lines, the oldest first."
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
        abstract: "Prints the newest line's number, hash and signature, to be kept elsewhere."
    )
    static let examples = ["balanceops audit head > head.json"]

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let workspace = try await Workspace.open(options.load(), creates: false)
        guard let head = try await workspace.audit.auditHead() else {
            throw Failure(
                .resourceNotFound,
                "the audit trail has no line yet",
                hint: "balanceops train-dummy makes one"
            )
        }
        Output.json(head.json)
    }
}

/// `balanceops audit replay`.
struct AuditReplayCommand: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Makes a recorded decision again, from the policy and the facts that were recorded.",
        discussion: "Exit status: 0 the same decision comes out, 1 another one."
    )
    static let examples = ["balanceops audit replay 17"]

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The line's number.") var line: Int
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load(), creates: false)
        guard let event = try await workspace.audit.auditEvent(line) else {
            throw Failure(.resourceNotFound, "the audit trail has no line \(line)", hint: "balanceops audit log")
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
                "line \(line) records another decision than its facts lead to",
                hint: "balanceops audit verify"
            )
        }
        if !json { Output.ok("the same decision as line \(line) records") }
    }
}
