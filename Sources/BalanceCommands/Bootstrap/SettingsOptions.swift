import ArgumentParser
import BalanceCore
import Foundation

/// The flags that every command takes.
package struct SettingsOptions: ParsableArguments {
    @Option(name: .customLong("db"), help: "The SQLite file (BALANCEOPS_DB).")
    var database: String?

    @Option(help: "The root folder of runs and models (BALANCEOPS_ARTIFACTS).")
    var artifacts: String?

    @Option(help: "The one file that serving uses (BALANCEOPS_CURRENT_MODEL).")
    var currentModel: String?

    @Option(name: .customLong("api-url"), help: "Where the dashboard looks for the API (BALANCEOPS_API_URL).")
    var apiURL: String?

    @Option(help: "The file of ONNX Runtime's library, or auto (BALANCEOPS_ONNX_RUNTIME).")
    var onnxRuntime: String?

    @Option(help: "The file of the key that signs the audit trail, or auto (BALANCEOPS_AUDIT_KEY).")
    var auditKey: String?

    package init() {}

    var flags: [Setting: String] {
        [
            .database: database, .artifacts: artifacts, .currentModel: currentModel, .apiURL: apiURL,
            .onnxRuntime: onnxRuntime, .auditKey: auditKey,
        ].compactMapValues { $0 }
    }

    func load() async throws -> Settings { try await Settings.load(flags: flags) }
}

/// The flags of commands that listen.
struct ListenOptions: ParsableArguments {
    @Option(help: "The address to listen on (BALANCEOPS_HOST).")
    var host: String?

    @Option(help: "Host names that clients may use besides loopback, with commas (BALANCEOPS_ALLOWED_HOSTS).")
    var allowedHosts: String?

    @Option(help: "Private hosts and address blocks that webhooks may go to, with commas (BALANCEOPS_WEBHOOK_HOSTS).")
    var webhookHosts: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical (BALANCEOPS_LOG_LEVEL).")
    var logLevel: String?

    @Option(help: "The path below which a proxy shows the server (BALANCEOPS_BASE_PATH).")
    var basePath: String?

    @Option(help: "How many connections there may be at once, or auto (BALANCEOPS_MAX_CONNECTIONS).")
    var maxConnections: String?

    @Option(help: "Seconds for the head of a request (BALANCEOPS_HEAD_TIMEOUT).")
    var headTimeout: String?

    @Option(help: "Seconds after which an idle connection ends (BALANCEOPS_IDLE_TIMEOUT).")
    var idleTimeout: String?

    @Option(help: "Bytes a second that a client must send or read (BALANCEOPS_MIN_RATE).")
    var minRate: String?

    @Option(name: .customLong("max-json"), help: "The largest body of JSON, in bytes (BALANCEOPS_MAX_JSON).")
    var maxJSON: String?

    @Option(help: "Bytes of bodies that are read at once (BALANCEOPS_BODY_MEMORY).")
    var bodyMemory: String?

    @Option(help: "Threads for predictions that take long, or auto (BALANCEOPS_PREDICTION_THREADS).")
    var predictionThreads: String?

    @Option(help: "How many such predictions may wait (BALANCEOPS_PREDICTION_QUEUE).")
    var predictionQueue: String?

    @Flag(
        help:
            "Listen on other addresses than loopback although there are no accounts: whoever reaches the port may do everything."
    )
    var open = false

    var flags: [Setting: String] {
        [
            .host: host, .allowedHosts: allowedHosts, .webhookHosts: webhookHosts, .logLevel: logLevel,
            .basePath: basePath, .maxConnections: maxConnections, .headTimeout: headTimeout, .idleTimeout: idleTimeout,
            .minRate: minRate,
            .maxJSON: maxJSON, .bodyMemory: bodyMemory, .predictionThreads: predictionThreads,
            .predictionQueue: predictionQueue,
        ].compactMapValues { $0 }
    }

    /// Refuses an address that others reach, unless that was said on purpose.
    func requireClosed(_ settings: Settings) throws {
        let host = settings[.host].text
        let isLoopback = host == "localhost" || host == "::1" || host.hasPrefix("127.")
        guard !isLoopback, !open, ProcessInfo.processInfo.environment["BALANCEOPS_OPEN"] != "1" else { return }
        throw Failure(
            .invalidArgument,
            "\(host) is reached by others, and there are no accounts: whoever reaches the port could do everything",
            hint: "listen on 127.0.0.1 behind a proxy that asks who it is, or say --open (BALANCEOPS_OPEN=1)"
        )
    }
}
