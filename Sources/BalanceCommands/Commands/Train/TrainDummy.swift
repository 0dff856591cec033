import BalanceService
import ArgumentParser
import BalanceCore
import BalanceInference

/// `balanceops train-dummy`.
struct TrainDummy: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "train-dummy",
        abstract: "Creates a random model, records it as a run, and promotes it if the policy allows it."
    )
    static let examples = ["balanceops train-dummy --seed 7 --n-features 8"]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @Option(help: "The random seed of weights and data.") var seed = 42
    @Option(help: "The number of rows the model is evaluated on.") var nSamples = 300
    @Option(help: "The number of features of a row.") var nFeatures = 8
    @Option(help: "The registered model to promote to; created if missing.") var name = defaultModelName
    @Flag(name: .customLong("no-auto-promote"), help: "Do not change the current model.") var noAutoPromote = false
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        let result = try await DummyTraining(seed: seed, samples: nSamples, features: nFeatures, name: name)
            .run(in: workspace, promotes: !noAutoPromote)
        result.report(asJSON: json)
    }
}

/// The training behind `train-dummy` and `e2e`.
struct DummyTraining {
    var seed = 42
    var samples = 300
    var features = 8
    var name = defaultModelName

    func run(in workspace: Workspace, promotes: Bool) async throws -> TrainingReport {
        let (model, metrics) = try DummyTrainer.train(seed: seed, samples: samples, features: features)
        let recorder = RunRecorder(workspace: workspace, kind: "train_dummy")
        let params = JSONValue.object([
            ("kind", "train_dummy"), ("seed", .int(seed)), ("n_samples", .int(samples)), ("n_features", .int(features)),
        ])
        try await recorder.begin(params: params, note: "dummy model training for E2E check")
        var report = try await recorder.record {
            let candidate = try workspace.artifacts.writeCandidate(
                recorder.id,
                kind: "dummy",
                fileExtension: "json",
                bytes: model.bytes
            )
            let finished = try await recorder.finish(metrics: metrics, candidate: candidate)
            return TrainingReport(
                runID: recorder.id,
                candidate: candidate,
                manifest: finished.manifestPath,
                metrics: metrics
            )
        }
        if promotes { try await report.promote(to: name, in: workspace) }
        return report
    }
}
