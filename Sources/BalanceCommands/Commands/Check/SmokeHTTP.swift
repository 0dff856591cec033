import ArgumentParser
import BalanceCore

/// `balanceops smoke-http`.
struct SmokeHTTP: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "smoke-http",
        abstract: "Checks a running API: /health, then one prediction."
    )
    static let examples = ["balanceops smoke-http --retries 30 --fail-on-predict-404"]

    @Option(help: "The API; overrides --host and --port.") var baseUrl: String?
    @Option(help: "The API's host; defaults to the settings.") var host: String?
    @Option(help: "The API's port; defaults to the settings.") var port: Int?
    @Option(help: "The timeout of one request, in seconds.") var timeoutSec = 10.0
    @Option(help: "How often to retry a failed request; 400 and 404 are never retried.") var retries = 0
    @Option(help: "The delay between retries, in seconds.") var retryDelaySec = 0.5
    @Option(help: "The path of the health check.") var healthPath = "/health"
    @Option(help: "The path of predictions.") var predictPath = "/predict"
    @Option(parsing: .upToNextOption, help: "The features to send, padded or cut to the length that the model expects.")
    var features: [Double] = SmokeTest.defaultFeatures
    @Flag(help: "Run only the health check.") var skipPredict = false
    @Flag(help: "Report a failed prediction as a warning.") var allowPredictFailure = false
    @Flag(name: .customLong("fail-on-predict-404"), help: "Fail if there is no current model.")
    var failOnPredict404 = false
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let flags = [Setting.host: host, .port: port.map(String.init)].compactMapValues { $0 }
        let own = try await Settings.load(flags: flags).serverURL
        let test = SmokeTest(
            baseURL: baseUrl ?? own,
            timeoutSeconds: timeoutSec,
            retries: retries,
            retryDelaySeconds: retryDelaySec,
            healthPath: healthPath,
            predictPath: predictPath,
            features: features,
            skipsPredict: skipPredict,
            allowsPredictFailure: allowPredictFailure,
            failsOnMissingModel: failOnPredict404,
            isQuiet: json
        )
        let status = try await test.run()
        if json { Output.json(.object([("ok", .bool(status == 0)), ("base_url", .string(test.baseURL))])) }
        if status != 0 { throw ExitCode(status) }
    }
}
