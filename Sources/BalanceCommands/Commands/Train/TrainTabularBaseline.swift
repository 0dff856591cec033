import BalanceService
import ArgumentParser
import BalanceCore
import BalanceInference

/// `balanceops train-tabular-baseline`.
struct TrainTabularBaseline: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "train-tabular-baseline",
        abstract: "Trains a standardised L2 logistic regression on a table with a binary target."
    )
    static let examples = [
        "balanceops train-tabular-baseline --dataset-spec examples/dataset_specs/german_credit.json",
        "balanceops train-tabular-baseline --csv-path my.csv --target-col churned --no-auto-promote",
    ]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @OptionGroup var data: DatasetOptions
    @Option(help: "The registered model to promote to; created if missing.") var name = defaultModelName
    @Flag(name: .customLong("no-auto-promote"), help: "Do not change the current model.") var noAutoPromote = false
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let spec = try data.spec()
        let workspace = try await Workspace.open(options.load())
        let report = try await TabularTraining(spec: spec, seed: data.seed, testSize: data.testSize, name: name)
            .run(in: workspace, promotes: !noAutoPromote)
        report.report(asJSON: json)
    }
}

/// The training behind `train-tabular-baseline` and `e2e`.
struct TabularTraining {
    var spec: DatasetSpec
    var seed = 42
    var testSize = 0.2
    var name = defaultModelName

    private static let kind = "train_tabular_baseline"

    func run(in workspace: Workspace, promotes: Bool) async throws -> TrainingReport {
        let dataset = try spec.load()
        let meta = JSONValue.object(dataset.meta)
        let shape = JSONValue.object([
            ("n_samples", .int(dataset.features.rows)), ("n_features", .int(dataset.features.columns)),
        ])
        let recorder = RunRecorder(workspace: workspace, kind: Self.kind)
        try await recorder.begin(params: params(meta, shape), note: "tabular baseline training")
        var report = try await recorder.record {
            let result = try TabularTrainer.train(dataset, seed: seed, testSize: testSize)
            let candidate = try workspace.artifacts.writeCandidate(
                recorder.id,
                kind: "tabular_baseline",
                fileExtension: "json",
                bytes: result.model.bytes
            )
            try await recorder.store("predictions.csv", bytes: result.predictions)
            let description = JSONValue.object([
                ("dataset_spec", spec.json), ("feature_names", .strings(dataset.featureNames)), ("meta", meta),
                ("shape", shape),
            ])
            let finished = try await recorder.finish(
                metrics: result.metrics,
                candidate: candidate,
                extra: ("dataset_meta", "dataset.json", description.bytes(pretty: true))
            )
            return TrainingReport(
                runID: recorder.id,
                candidate: candidate,
                manifest: finished.manifestPath,
                datasetMeta: finished.extraPath,
                metrics: result.metrics
            )
        }
        if promotes { try await report.promote(to: name, in: workspace) }
        return report
    }

    private func params(_ meta: JSONValue, _ shape: JSONValue) -> JSONValue {
        .object([
            ("kind", .string(Self.kind)), ("seed", .int(seed)), ("test_size", .double(testSize)),
            ("dataset", spec.json),
            (
                "dataset_meta",
                .object(["dataset_kind", "dataset_name", "fingerprint"].map { ($0, meta[$0] ?? .null) })
            ), ("shape", shape),
        ])
    }
}
