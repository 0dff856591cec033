import ArgumentParser
import BalanceCore
import BalanceStore

/// `balanceops bench`.
struct Bench: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Generates data for benchmarks.",
        subcommands: [BenchSeed.self]
    )
    static let examples = BenchSeed.examples
}

/// `balanceops bench seed`.
struct BenchSeed: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "seed",
        abstract: "Fills a database with generated runs in a separate experiment.",
        discussion: "The same seed generates the same runs. Use a disposable database."
    )
    static let examples = ["balanceops bench seed --db /tmp/bench.db --runs 100000 --points 10000000"]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @Option(help: "The number of runs.") var runs = 1000
    @Option(help: "The number of metrics of each run.") var metrics = 10
    @Option(help: "The number of params of each run.") var params = 10
    @Option(help: "The number of points of the metric 'curve' in one additional run; 0 adds no run.") var points = 0
    @Option(help: "The seed of the random numbers.") var seed: UInt64 = 1
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        guard (0...10_000_000).contains(runs), (0...1000).contains(metrics), (0...1000).contains(params),
            (0...1_000_000_000).contains(points)
        else { throw ValidationError("--runs, --metrics, --params and --points must not be negative or too large") }
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
