import ArgumentParser

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

    var flags: [Setting: String] {
        [.host: host, .allowedHosts: allowedHosts, .webhookHosts: webhookHosts, .logLevel: logLevel].compactMapValues {
            $0
        }
    }
}
