import ArgumentParser
import BalanceCore
import BalanceStore
import Foundation

/// `balanceops backup`.
struct Backup: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies everything to a new folder, while the server goes on.",
        discussion: """
            The folder gets the database as it was at one moment, the artifacts, the served model files and the key of the
            audit trail. Every file is hashed and read again. It holds secrets: keep it as safe as the server. TLS keys and
            the secret of single sign-on are not in it.
            """
    )
    static let examples = ["balanceops backup --data /var/lib/balanceops --to /backup/2026-11-27"]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @Option(name: .customLong("to"), help: "A new folder.") var target: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load(), creates: false)
        let progress = CountProgress("files")
        let manifest = try await BackupFolder(path: target).write(workspace, progress: progress)
        progress.end()
        if json { return Output.json(Self.summary(manifest, target)) }
        let files = "\(Plain.count(manifest.files.count, "file")), \(Plain.size(manifest.bytes))"
        Output.ok("wrote and verified \(files): \(target)")
    }

    static func summary(_ manifest: BackupManifest, _ folder: String) -> JSONValue {
        .object([
            ("ok", .bool(true)), ("folder", .string(folder)), ("created_at", .string(manifest.createdAt.iso8601)),
            ("schema", .int(manifest.schema)), ("files", .int(manifest.files.count)), ("bytes", .int(manifest.bytes)),
        ])
    }
}

/// `balanceops restore`.
struct Restore: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Copies a backup to where nothing is yet, and verifies it.",
        discussion: """
            Every file is compared with its SHA-256 before the first is written; nothing that exists is overwritten. Then the
            database is brought to the current schema, the audit trail is verified, and browsers have to sign in again.
            Tokens that were revoked after the backup are valid again: revoke them once more.
            """
    )
    static let examples = [
        "balanceops restore --from /backup/2026-11-27 --data restored",
        "balanceops restore --from /backup/2026-11-27 --dry-run",
    ]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @Option(name: .customLong("from"), help: "A folder that balanceops backup wrote.") var origin: String
    @Flag(help: "Verify the backup, and restore nothing.") var dryRun = false
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let folder = BackupFolder(path: origin)
        let progress = CountProgress("files")
        if dryRun {
            let manifest = try folder.verified(progress: progress)
            progress.end()
            if json { return Output.json(Backup.summary(manifest, origin)) }
            return Output.ok("\(origin) of \(Plain.time(manifest.createdAt)) is whole: \(Plain.size(manifest.bytes))")
        }
        let settings = try await options.load()
        let manifest = try folder.restore(settings, progress: progress)
        progress.end()
        let workspace = try await Workspace.open(settings, creates: false)
        try await workspace.database.endSessions()
        let report = try await FilesAPI(workspace, as: ActorOptions.onFiles).value("GET", "/audit/verify")
        if let problem = report["problem"]?["message"]?.string {
            throw Failure(
                .auditBroken,
                "restored, but the audit trail is broken: \(problem)",
                hint: "use another backup"
            )
        }
        if json { return Output.json(Backup.summary(manifest, settings[.database].text)) }
        let entries = report["lines"]?.integer ?? 0
        Output.ok(
            "restored \(Plain.count(manifest.files.count, "file")) to \(settings[.database].text); audit trail verified: \(entries) entries"
        )
    }
}
