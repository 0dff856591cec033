import ArgumentParser
import BalanceCore
import BalanceStore
import Foundation

/// `balanceops doctor`.
struct Doctor: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Checks who can read the files of a server, and its accounts.",
        discussion: "Exit status: 0 nothing found, 1 something to mend. It changes nothing."
    )
    static let examples = ["balanceops doctor"]

    @OptionGroup var options: SettingsOptions
    @Flag(help: "Answer with JSON.") var json = false

    /// Something that is checked: what was found, and what to do about it.
    struct Finding {
        var what: String
        /// nil where all is well.
        var problem: String?
        var remedy: String?
    }

    func run() async throws {
        let settings = try await options.load()
        let workspace = try await Workspace.open(settings, creates: false)
        let findings = Self.files(settings) + (try await Self.accounts(workspace))
        if json {
            Output.json(
                .array(
                    findings.map { finding in
                        .object([
                            ("what", .string(finding.what)), ("ok", .bool(finding.problem == nil)),
                            ("problem", .optional(finding.problem)), ("remedy", .optional(finding.remedy)),
                        ])
                    }
                )
            )
        } else {
            for finding in findings {
                Output.line(
                    "[\(finding.problem == nil ? "OK" : "WARN")] \(finding.what)\(finding.problem.map { ": \($0)" } ?? "")"
                )
                if let remedy = finding.remedy { Output.line("       try: \(remedy)") }
            }
        }
        if findings.contains(where: { $0.problem != nil }) { throw ExitCode(1) }
    }

    /// Password hashes, secrets of webhooks and models are in these; nobody else of the machine needs them.
    private static func files(_ settings: Settings) -> [Finding] {
        let database = settings[.database].text
        let key = Workspace.auditKeyPath(settings)
        return [
            (database, "the database"), (database + "-wal", "the database's log"), (key, "the key of the audit trail"),
            (settings[.artifacts].text, "the artifacts"), (settings[.tlsKey].text, "the TLS key"),
            (settings[.oidcSecretFile].text, "the secret of single sign-on"),
        ].compactMap { path, name in path.isEmpty ? nil : check(path, name) }
    }

    /// nil where there is no such file.
    private static func check(_ path: String, _ name: String) -> Finding? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let mode = status.st_mode & 0o777
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        guard mode & 0o077 != 0 else { return Finding(what: "\(name) (\(path)) is for its owner alone") }
        let wanted = isFolder ? "700" : "600"
        return Finding(
            what: "\(name) (\(path))",
            problem: "others can reach it: its mode is \(String(mode, radix: 8))",
            remedy: "chmod \(wanted) \(path)"
        )
    }

    private static func accounts(_ workspace: Workspace) async throws -> [Finding] {
        let accounts = try await workspace.accounts.accounts()
        guard !accounts.isEmpty else {
            return [Finding(what: "no accounts: whoever reaches the server may do everything")]
        }
        let hasAdmin = accounts.contains(where: \.managesAccounts)
        let endless = try await workspace.accounts.tokens(of: nil).filter { $0.revokedAt == nil && $0.expiresAt == nil }
        return [
            Finding(
                what: "\(accounts.count) accounts",
                problem: hasAdmin ? nil : "none of them can manage accounts",
                remedy: hasAdmin ? nil : "balanceops users grant NAME admin"
            ),
            Finding(
                what: "tokens",
                problem: endless.isEmpty
                    ? nil : "\(endless.count) never expire: \(endless.map(\.id).joined(separator: ", "))",
                remedy: endless.isEmpty ? nil : "balanceops tokens create --days 365, then balanceops tokens revoke ID"
            ),
        ]
    }
}
