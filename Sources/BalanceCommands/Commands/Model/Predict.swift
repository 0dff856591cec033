import ArgumentParser
import BalanceCore
import BalanceInference

/// `balanceops predict`.
struct Predict: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Sends one row of a dataset to a running API."
    )
    static let examples = [
        "balanceops predict --dataset-spec examples/dataset_specs/german_credit.json --row 1"
    ]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @Option(help: "The dataset spec (JSON) that the model was trained with.") var datasetSpec: String
    @Option(help: "The row number, starting at 1, among the rows that are used.") var row = 1
    @Option(help: "The API.") var baseUrl: String?
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let settings = try await options.load()
        let spec = try DatasetSpec(contentsOf: datasetSpec)
        let client = APIClient(baseURL: baseUrl ?? settings.serverURL)
        let result = try await RowPrediction(spec: spec, row: row).ask(client)
        if json { return Output.json(.object([("row", .int(row)), ("p_win", .double(result.probability))])) }
        Output.ok("row \(row): p_win = \(result.probability) (its class in the file: \(result.label))")
    }
}

/// A row of a data set and what the API says of it.
struct RowPrediction {
    var spec: DatasetSpec
    var row: Int

    func ask(_ client: APIClient) async throws -> (probability: Double, label: Int) {
        let dataset = try spec.load()
        guard (1...dataset.features.rows).contains(row) else {
            throw Failure(.invalidArgument, "--row must be between 1 and \(dataset.features.rows), not \(row)")
        }
        let features = JSONValue.numbers(dataset.features[row: row - 1])
        let answer = try await client.value("POST", "/predict", body: .object([("features", features)]))
        guard let probability = answer["p_win"]?.number else {
            throw Failure(.unavailable, "\(client.baseURL) answered without a probability", hint: "check the URL")
        }
        return (probability, dataset.target[row - 1])
    }
}
