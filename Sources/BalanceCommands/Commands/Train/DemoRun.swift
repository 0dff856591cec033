import ArgumentParser
import BalanceCore

/// `balanceops demo-run`.
struct DemoRun: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo-run",
        abstract: "Records a demo run with two metrics, to check the setup."
    )
    static let examples = ["balanceops demo-run && balanceops dashboard"]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        let recorder = RunRecorder(workspace: workspace, kind: "demo")
        let params = JSONValue.object([("kind", "demo"), ("seed", .int(42))])
        try await recorder.begin(params: params, note: "demo run for wiring check")
        let metrics = [Metric("acc", 0.9), Metric("bal_acc", 0.88)]
        let finished = try await recorder.record { try await recorder.finish(metrics: metrics) }
        if json {
            return Output.json(
                .object([
                    ("run_id", .string(recorder.id.native)), ("manifest", .string(finished.manifestPath)),
                    ("metrics", metrics.json),
                ])
            )
        }
        Output.ok("manifest written: \(finished.manifestPath)")
        Output.ok("demo run inserted: \(recorder.id)")
    }
}
