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

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
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
        var body: [(String, JSONValue)] = [
            ("run_ids", .strings(runs)), ("experiment_ids", .strings(experiments.map(String.init))),
            ("dry_run", .bool(dryRun)),
        ]
        if let olderThanDays { body.append(("older_than_days", .int(olderThanDays))) }
        let report = try await place.api(as: actorOptions).value("POST", "/purge", body: .object(body))
        if json { return Output.json(report) }
        for kept in report["kept"]?.elements ?? [] {
            Output.line("kept: \(kept["what"]?.string ?? ""), because \(kept["reason"]?.string ?? "")")
        }
        let counts = [("experiments", "experiment"), ("runs", "run"), ("logged_models", "logged model")].map {
            Plain.count(report[$0]?.elements?.count ?? 0, $1)
        }
        let size = "\(Plain.count(report["files"]?.integer ?? 0, "file")): \(Plain.size(report["bytes"]?.integer ?? 0))"
        Output.ok("\(dryRun ? "would remove" : "removed") \(counts.joined(separator: ", ")) and \(size)")
    }
}
