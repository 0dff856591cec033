import ArgumentParser
import BalanceCore
import Foundation

/// The flags that every command takes.
package struct SettingsOptions: ParsableArguments {
    @Option(help: "The folder with the database, artifacts and current model, instead of three settings.")
    var data: String?

    @Option(name: .customLong("db"), help: "The SQLite file (BALANCEOPS_DB).")
    var database: String?

    @Option(help: "The root folder of runs and models (BALANCEOPS_ARTIFACTS).")
    var artifacts: String?

    @Option(help: "The file of the served model (BALANCEOPS_CURRENT_MODEL).")
    var currentModel: String?

    @Option(name: .customLong("api-url"), help: "The API URL that the dashboard uses (BALANCEOPS_API_URL).")
    var apiURL: String?

    @Option(help: "The ONNX Runtime library file, or auto (BALANCEOPS_ONNX_RUNTIME).")
    var onnxRuntime: String?

    @Option(help: "The key file that signs the audit trail, or auto (BALANCEOPS_AUDIT_KEY).")
    var auditKey: String?

    package init() {}

    var flags: [Setting: String] {
        [
            .database: database ?? data.map { "\($0)/balanceops.db" },
            .artifacts: artifacts ?? data.map { "\($0)/artifacts" },
            .currentModel: currentModel ?? data.map { "\($0)/artifacts/models/current.model" },
            .apiURL: apiURL, .onnxRuntime: onnxRuntime, .auditKey: auditKey,
        ].compactMapValues { $0 }
    }

    func load() async throws -> Settings { try await Settings.load(flags: flags) }
}

/// The flags of commands that listen.
struct ListenOptions: ParsableArguments {
    @Option(help: "The address to listen on (BALANCEOPS_HOST).")
    var host: String?

    @Option(help: "Comma-separated host names that clients may use besides loopback (BALANCEOPS_ALLOWED_HOSTS).")
    var allowedHosts: String?

    @Option(help: "Comma-separated private hosts and CIDR blocks that webhooks may reach (BALANCEOPS_WEBHOOK_HOSTS).")
    var webhookHosts: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical (BALANCEOPS_LOG_LEVEL).")
    var logLevel: String?

    @Option(help: "The path prefix under which a proxy serves BalanceOps (BALANCEOPS_BASE_PATH).")
    var basePath: String?

    @Option(help: "The maximum number of open connections, or auto (BALANCEOPS_MAX_CONNECTIONS).")
    var maxConnections: String?

    @Option(help: "The timeout for a request's headers, in seconds (BALANCEOPS_HEAD_TIMEOUT).")
    var headTimeout: String?

    @Option(help: "Seconds after which an idle connection is closed (BALANCEOPS_IDLE_TIMEOUT).")
    var idleTimeout: String?

    @Option(help: "The minimum rate at which a client must send or read, in bytes per second (BALANCEOPS_MIN_RATE).")
    var minRate: String?

    @Option(name: .customLong("max-json"), help: "The maximum size of a JSON body, in bytes (BALANCEOPS_MAX_JSON).")
    var maxJSON: String?

    @Option(help: "The memory for request bodies read at the same time, in bytes (BALANCEOPS_BODY_MEMORY).")
    var bodyMemory: String?

    @Option(help: "The number of threads for slow predictions, or auto (BALANCEOPS_PREDICTION_THREADS).")
    var predictionThreads: String?

    @Option(help: "The maximum number of queued slow predictions (BALANCEOPS_PREDICTION_QUEUE).")
    var predictionQueue: String?

    @OptionGroup(title: "Access") var access: AccessOptions

    var flags: [Setting: String] {
        [
            .host: host, .allowedHosts: allowedHosts, .webhookHosts: webhookHosts, .logLevel: logLevel,
            .basePath: basePath, .maxConnections: maxConnections, .headTimeout: headTimeout, .idleTimeout: idleTimeout,
            .minRate: minRate,
            .maxJSON: maxJSON, .bodyMemory: bodyMemory, .predictionThreads: predictionThreads,
            .predictionQueue: predictionQueue,
        ].compactMapValues { $0 }.merging(access.flags) { first, _ in first }
    }
}
