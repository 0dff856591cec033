import BalanceSystem
import ArgumentParser
import BalanceCore

/// `balanceops purge`.
struct Purge: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Permanently removes deleted runs, experiments and logged models, and frees their space.",
        discussion: """
            Deletes the rows and files of deleted runs, experiments and logged models; their names can be used again.
            Data that a registered version was made from is kept. The database file keeps its size and reuses the space.
            """
    )
    static let examples = ["balanceops purge --dry-run", "balanceops purge --older-than-days 30"]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @Option(help: "Only items deleted at least this many days ago.") var olderThanDays: Int?
    @Option(name: .customLong("run"), help: "Only this deleted run; can be repeated.") var runs: [String] =
        []
    @Option(
        name: .customLong("experiment"),
        help: "Only this deleted experiment and its runs; can be repeated."
    )
    var experiments: [Int] = []
    @Flag(help: "Print what would be removed, and change nothing.") var dryRun = false
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        if let olderThanDays, !(0...100_000).contains(olderThanDays) {
            throw ValidationError("--older-than-days must be between 0 and 100000.")
        }
    }

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        let report = try await workspace.trash.purge(
            PurgeRequest(
                runIDs: runs.map { RunID(native: $0) },
                experimentIDs: experiments,
                before: olderThanDays.map { Timestamp.now().addingDays(-$0) },
                isDryRun: dryRun
            ),
            by: actorOptions.actor(in: workspace)
        )
        if json { return Output.json(report.json) }
        for kept in report.kept { Output.line("kept: \(kept.what), because \(kept.reason)") }
        let verb = dryRun ? "would remove" : "removed"
        Output.ok(
            "\(verb) \(report.experiments.count) experiments, \(report.runs.count) runs, "
                + "\(report.loggedModels.count) logged models and \(report.files) files: \(report.bytes) bytes"
        )
    }
}
