import ArgumentParser
import BalanceCore

/// `balanceops doctor`.
struct Doctor: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Checks an installation: files, database, audit trail, models and accounts; or a server.",
        discussion: """
            On files: who can read them, the database page by page, the space on the disk, the audit trail, whether each
            current model can serve, accounts and tokens. On a server: whether it answers and is ready, its version, the audit
            trail, the models, and who the token belongs to.
            Exit status: 0 nothing found, 1 something to mend. It changes nothing.
            """
    )
    static let examples = [
        "balanceops doctor --data /var/lib/balanceops", "balanceops doctor --server https://mlops.example.com",
    ]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Flag(help: "Answer with JSON.") var json = false

    /// Something that is checked: what was found, and what to do about it.
    struct Finding {
        var what: String
        /// nil where all is well.
        var problem: String?
        var remedy: String?

        var json: JSONValue {
            .object([
                ("what", .string(what)), ("ok", .bool(problem == nil)), ("problem", .optional(problem)),
                ("remedy", .optional(remedy)),
            ])
        }
    }

    func run() async throws {
        let findings = try await findings()
        if json {
            Output.json(.array(findings.map(\.json)))
        } else {
            for finding in findings {
                let isFine = finding.problem == nil
                let mark = isFine ? Terminal.paint("OK", .green) : Terminal.paint("WARN", .yellow)
                Output.line("[\(mark)] \(finding.what)\(finding.problem.map { ": \($0)" } ?? "")")
                if let remedy = finding.remedy { Output.line("       try: \(remedy)") }
            }
        }
        if findings.contains(where: { $0.problem != nil }) { throw ExitCode(1) }
    }

    private func findings() async throws -> [Finding] {
        if let client = place.serverOptions.client {
            return try await ServerDiagnosis(client: client).findings() + ServiceDiagnosis(api: client).findings()
        }
        let settings = try await place.options.load()
        let workspace = try await Workspace.open(settings, creates: false)
        let api = try await FilesAPI(workspace, as: ActorOptions.onFiles)
        return try await FilesDiagnosis(workspace: workspace).findings() + ServiceDiagnosis(api: api).findings()
    }
}
