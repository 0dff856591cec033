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

    @OptionGroup var options: SettingsOptions
    @Option(help: "A dataset spec (JSON).") var datasetSpec: String?
    @Option(help: "A CSV file to use instead of a spec.") var csvPath: String?
    @Option(help: "The column of the CSV file to predict.") var targetCol: String?
    @Option(help: "The dataset name for the CSV file.") var datasetName: String?
    @Option(help: "The separator of the CSV file.") var sep = ","
    @Flag(name: .customLong("no-one-hot"), help: "Reject text columns instead of encoding them.") var noOneHot = false
    @Flag(name: .customLong("no-dropna"), help: "Keep rows with empty cells.") var noDropna = false
    @Option(help: "The random seed of the split.") var seed = 42
    @Option(help: "The fraction of rows to test on; 0 trains and tests on all rows.") var testSize = 0.2
    @Flag(name: .customLong("no-auto-promote"), help: "Do not change the current model.") var noAutoPromote = false
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        if datasetSpec == nil, csvPath == nil || targetCol == nil {
            throw ValidationError("Pass --dataset-spec FILE, or --csv-path FILE and --target-col COLUMN.")
        }
    }

    func run() async throws {
        let spec = try spec()
        let workspace = try await Workspace.open(options.load())
        let report = try await TabularTraining(spec: spec, seed: seed, testSize: testSize)
            .run(in: workspace, promotes: !noAutoPromote)
        report.report(asJSON: json)
    }

    private func spec() throws -> DatasetSpec {
        if let datasetSpec { return try DatasetSpec(contentsOf: datasetSpec) }
        return .csv(
            path: csvPath ?? "",
            target: targetCol ?? "",
            name: datasetName,
            separator: sep,
            oneHot: !noOneHot,
            dropMissing: !noDropna
        )
    }
}

/// The training behind `train-tabular-baseline` and `e2e`.
struct TabularTraining {
    var spec: DatasetSpec
    var seed = 42
    var testSize = 0.2

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
        if promotes { try await report.promote(in: workspace) }
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
