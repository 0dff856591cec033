import ArgumentParser
import BalanceCore
import BalanceStore

/// `balanceops bench`.
struct Bench: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Makes data to measure with.",
        subcommands: [BenchSeed.self]
    )
    static let examples = BenchSeed.examples
}

/// `balanceops bench seed`.
struct BenchSeed: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "seed",
        abstract: "Fills a database with made-up runs in an experiment of their own.",
        discussion: "The same seed makes the same runs. Use a database that may be thrown away."
    )
    static let examples = ["balanceops bench seed --db /tmp/bench.db --runs 100000 --points 10000000"]

    @OptionGroup var options: SettingsOptions
    @Option(help: "How many runs.") var runs = 1000
    @Option(help: "How many metrics each run has.") var metrics = 10
    @Option(help: "How many params each run has.") var params = 10
    @Option(help: "The points of the metric 'curve' of one more run; 0: no such run.") var points = 0
    @Option(help: "What the numbers depend on.") var seed: UInt64 = 1
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        guard (0...10_000_000).contains(runs), (0...1000).contains(metrics), (0...1000).contains(params),
            (0...1_000_000_000).contains(points)
        else { throw ValidationError("--runs, --metrics, --params or --points is negative or too large") }
    }

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        let size = RunSeed.Size(runs: runs, metrics: metrics, params: params, points: points)
        let quiet = json
        let (experiment, long) = try await RunSeed(database: workspace.database, seed: seed).fill(size) { done in
            if !quiet, done % 10_000 == 0 { Output.line("\(done) runs") }
        }
        if json {
            return Output.json(
                .object([("experiment_id", .string(String(experiment))), ("long_run_id", .optional(long?.stored))])
            )
        }
        Output.ok(
            "\(runs) runs in experiment \(experiment)" + (long.map { ", and \($0.stored) with \(points) points" } ?? "")
        )
    }
}
