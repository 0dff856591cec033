import ArgumentParser
import BalanceCore
import BalanceInference
import BalanceSystem
import Foundation

/// The options that name a data set.
struct DatasetOptions: ParsableArguments {
    @Option(help: "A dataset spec (JSON).") var datasetSpec: String?
    @Option(help: "A CSV file to use instead of a spec.") var csvPath: String?
    @Option(help: "The column of the CSV file to predict.") var targetCol: String?
    @Option(help: "The dataset name for the CSV file.") var datasetName: String?
    @Option(help: "The separator of the CSV file.") var sep = ","
    @Flag(name: .customLong("no-one-hot"), help: "Reject text columns instead of encoding them.") var noOneHot = false
    @Flag(name: .customLong("no-dropna"), help: "Keep rows with empty cells.") var noDropna = false
    @Option(help: "The random seed of the split.") var seed = 42
    @Option(help: "The fraction of rows to test on; 0 takes all rows.") var testSize = 0.2

    func validate() throws {
        if datasetSpec == nil, csvPath == nil || targetCol == nil {
            throw ValidationError("Pass --dataset-spec FILE, or --csv-path FILE and --target-col COLUMN.")
        }
    }

    func spec() throws -> DatasetSpec {
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

/// `balanceops evaluate`.
struct Evaluate: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Judges a version on data and records it, so that a policy can compare it with others.",
        discussion: """
            Asks the version for the rows that a training with the same seed and test size would test on, logs acc, bal_acc,
            recall_1 and predictions.csv to the version's run, and re-records what the version is judged on. For models of two
            classes with numeric features.
            """
    )
    static let examples = [
        "balanceops evaluate credit 1 --dataset-spec examples/dataset_specs/german_credit.json --reason \"same rows as v2\"",
        "balanceops evaluate credit 1 --csv-path new.csv --target-col churned --test-size 0 --dry-run",
    ]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @OptionGroup var target: VersionArguments
    @OptionGroup var data: DatasetOptions
    @Option(help: "Why; the audit trail records it.") var reason: String?
    @Flag(help: "Print the metrics, and record nothing.") var dryRun = false
    @Flag(help: "Answer with JSON.") var json = false

    /// Rows of one request.
    private static let batch = 500

    func run() async throws {
        let spec = try data.spec()
        let dataset = try spec.load()
        let api = try await place.api(as: actorOptions)
        try await api.requireModel(target.model)
        let path = "/models/\(target.model.percentEncoded)/versions/\(target.version)"
        let about = try await api.value("GET", path)
        let evaluation = try TabularEvaluation(
            dataset,
            names: about["feature_names"]?.strings,
            count: about["n_features"]?.integer ?? 0,
            seed: data.seed,
            testSize: data.testSize
        )
        let answers = try await ask(api, "\(path)/predict", evaluation)
        let metrics = evaluation.metrics(answers)
        if !dryRun { try await record(evaluation, answers, metrics, dataset, at: api) }
        if json {
            let answer: [(String, JSONValue)] = [
                ("model", .string(target.model)), ("version", .int(target.version)), ("recorded", .bool(!dryRun)),
                ("rows", .int(evaluation.rows.count)), ("metrics", metrics.json),
            ]
            return Output.json(.object(answer))
        }
        let rows = Plain.count(evaluation.rows.count, "row")
        Output.ok("version \(target.version) of \(target.model) on \(rows): \(Plain.metrics(metrics.json))")
        if dryRun { Output.note("nothing was recorded") }
    }

    private func ask(
        _ api: any API,
        _ path: String,
        _ evaluation: TabularEvaluation
    ) async throws -> TabularEvaluation.Answers {
        let progress = CountProgress("batches of rows")
        var answers = TabularEvaluation.Answers()
        for start in stride(from: 0, to: evaluation.rows.count, by: Self.batch) {
            let rows = evaluation.features[start..<min(start + Self.batch, evaluation.rows.count)]
            let body = JSONValue.object([("instances", .array(rows.map(JSONValue.numbers)))])
            try evaluation.add(
                try await api.value("POST", path, body: body)["predictions"]?.elements ?? [],
                to: &answers
            )
            progress.step()
        }
        progress.end()
        return answers
    }

    /// Logs it to the version's run, as MLflow's client would, and has the version judged by it.
    private func record(
        _ evaluation: TabularEvaluation,
        _ answers: TabularEvaluation.Answers,
        _ metrics: [Metric],
        _ dataset: Dataset,
        at api: any API
    ) async throws {
        let versions = try await api.value("GET", "/models/\(target.model.percentEncoded)")["versions"]?.elements ?? []
        let version = versions.first { $0["version"]?.integer == target.version }
        guard let run = version?["run_id"]?.string else {
            throw Failure(
                .resourceNotFound,
                "version \(target.version) of '\(target.model)' has no run that metrics could be logged to",
                hint: "register it again from a run"
            )
        }
        let client = Registration(api: api)
        let info = try await RunView.get(run, at: api)["info"]
        let stored = info?["run_id"]?.string ?? run
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("balanceops-\(UUID().uuidString).csv")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(evaluation.predictions(answers)).write(to: file)
        guard let folder = info?["artifact_uri"]?.string?.dropPrefix("mlflow-artifacts:/") else {
            throw Failure(
                .notImplemented,
                "the artifacts of run \(run) are in an object store",
                hint: "use MLflow's client"
            )
        }
        try await client.upload(file.path, to: "\(folder)/predictions.csv")
        _ = try await client.post(
            "runs/log-inputs",
            [("run_id", .string(stored)), ("datasets", .array([input(dataset)]))]
        )
        let now = JSONValue.int(Timestamp.now().milliseconds)
        let points = metrics.map { metric in
            JSONValue.object([
                ("key", .string(metric.key)), ("value", .double(metric.value)), ("timestamp", now), ("step", .int(0)),
            ])
        }
        _ = try await client.post("runs/log-batch", [("run_id", .string(stored)), ("metrics", .array(points))])
        let path = "/models/\(target.model.percentEncoded)/\(target.path("refresh"))"
        let why = reason ?? "evaluated on \(Plain.count(evaluation.rows.count, "row")) of \(name(dataset))"
        _ = try await api.value("POST", path, body: .object([("reason", .string(why))]))
    }

    private func name(_ dataset: Dataset) -> String {
        dataset.meta.first { $0.0 == "dataset_name" }?.1.string ?? "data"
    }

    /// The data set as MLflow's inputs have it, with the context that it was judged on.
    private func input(_ dataset: Dataset) -> JSONValue {
        let meta = JSONValue.object(dataset.meta)
        let parts = [
            meta["fingerprint"]?["sha256"]?.string ?? "", String(data.seed), String(data.testSize),
        ]
        let digest = String(ContentHash.of(Array(parts.joined(separator: "|").utf8)).prefix(36))
        let rows = JSONValue.object([("num_rows", .int(dataset.features.rows))])
        let described: [(String, JSONValue)] = [
            ("name", .string(name(dataset))), ("digest", .string(digest)), ("source_type", "local"),
            ("source", .string(meta["source"]?.text() ?? "{}")), ("profile", .string(rows.text())),
        ]
        let tag = JSONValue.object([("key", "mlflow.data.context"), ("value", "evaluation")])
        return .object([("tags", .array([tag])), ("dataset", .object(described))])
    }
}
