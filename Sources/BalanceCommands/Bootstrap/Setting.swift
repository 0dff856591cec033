/// A setting: one of a flag, an environment variable, a line of `.env`, or a default, in this order.
package struct Setting: Sendable, Hashable {
    /// The environment variable.
    package let variable: String
    /// The flag that sets it, without dashes.
    package let flag: String
    package let defaultValue: String
    /// One line for `balanceops config` and the documentation.
    package let meaning: String

    package static let database = Setting(
        variable: "BALANCEOPS_DB",
        flag: "db",
        defaultValue: "data/balanceops.db",
        meaning: "the SQLite file"
    )
    package static let artifacts = Setting(
        variable: "BALANCEOPS_ARTIFACTS",
        flag: "artifacts",
        defaultValue: "artifacts",
        meaning: "the root folder of runs and models"
    )
    package static let currentModel = Setting(
        variable: "BALANCEOPS_CURRENT_MODEL",
        flag: "current-model",
        defaultValue: "artifacts/models/current.model",
        meaning: "the one file that serving uses"
    )
    package static let apiURL = Setting(
        variable: "BALANCEOPS_API_URL",
        flag: "api-url",
        defaultValue: "http://127.0.0.1:8000",
        meaning: "where the dashboard looks for the API"
    )
    package static let host = Setting(
        variable: "BALANCEOPS_HOST",
        flag: "host",
        defaultValue: "127.0.0.1",
        meaning: "the address that the API and the dashboard listen on"
    )
    package static let port = Setting(
        variable: "BALANCEOPS_PORT",
        flag: "port",
        defaultValue: "8000",
        meaning: "the API's port"
    )
    package static let grpcPort = Setting(
        variable: "BALANCEOPS_GRPC_PORT",
        flag: "grpc-port",
        defaultValue: "auto",
        meaning: "the port of the inference protocol over gRPC; auto is the API's port + 1 where that is free, off none"
    )
    package static let fastLane = Setting(
        variable: "BALANCEOPS_FAST_LANE",
        flag: "fast-lane",
        defaultValue: "on",
        meaning: "off sends every request through the normal HTTP pipeline; the answers are the same"
    )
    package static let eventLoops = Setting(
        variable: "BALANCEOPS_EVENT_LOOPS",
        flag: "event-loops",
        defaultValue: "auto",
        meaning: "the threads that connections are served on; auto is one less than the processor has cores, at least 1"
    )
    package static let dashboardPort = Setting(
        variable: "BALANCEOPS_DASHBOARD_PORT",
        flag: "dashboard-port",
        defaultValue: "8501",
        meaning: "the dashboard's port"
    )
    package static let allowedHosts = Setting(
        variable: "BALANCEOPS_ALLOWED_HOSTS",
        flag: "allowed-hosts",
        defaultValue: "",
        meaning: "host names that clients may use besides loopback, separated by commas; * allows all"
    )
    package static let basePath = Setting(
        variable: "BALANCEOPS_BASE_PATH",
        flag: "base-path",
        defaultValue: "",
        meaning:
            "the path below which a proxy shows the server, as /mlops, and which it takes away; links of the pages begin with it"
    )
    package static let maxConnections = Setting(
        variable: "BALANCEOPS_MAX_CONNECTIONS",
        flag: "max-connections",
        defaultValue: "auto",
        meaning:
            "how many connections there may be at once, a quarter of them gRPC's; more wait. auto: as many as the process may have descriptors, less 128"
    )
    package static let headTimeout = Setting(
        variable: "BALANCEOPS_HEAD_TIMEOUT",
        flag: "head-timeout",
        defaultValue: "10",
        meaning: "seconds in which the head of a request must have come; then 408 and the end of the connection"
    )
    package static let idleTimeout = Setting(
        variable: "BALANCEOPS_IDLE_TIMEOUT",
        flag: "idle-timeout",
        defaultValue: "60",
        meaning: "seconds after which a connection ends on which nothing happens"
    )
    package static let minRate = Setting(
        variable: "BALANCEOPS_MIN_RATE",
        flag: "min-rate",
        defaultValue: "1024",
        meaning: "bytes a second that a client must send of a body, and read of an answer, on average"
    )
    package static let maxJSON = Setting(
        variable: "BALANCEOPS_MAX_JSON",
        flag: "max-json",
        defaultValue: "4194304",
        meaning: "the largest body of JSON, CSV or a JSON head of tensors, in bytes; larger ones are 413"
    )
    package static let bodyMemory = Setting(
        variable: "BALANCEOPS_BODY_MEMORY",
        flag: "body-memory",
        defaultValue: "268435456",
        meaning: "bytes of bodies that are read at once, a byte of text counted eight times; more are answered 503"
    )
    package static let predictionThreads = Setting(
        variable: "BALANCEOPS_PREDICTION_THREADS",
        flag: "prediction-threads",
        defaultValue: "auto",
        meaning:
            "the threads for predictions that take more than about a millisecond; auto is one less than there are cores, at least 1"
    )
    package static let predictionQueue = Setting(
        variable: "BALANCEOPS_PREDICTION_QUEUE",
        flag: "prediction-queue",
        defaultValue: "64",
        meaning: "how many such predictions may wait; more are answered 503"
    )
    package static let onnxRuntime = Setting(
        variable: "BALANCEOPS_ONNX_RUNTIME",
        flag: "onnx-runtime",
        defaultValue: "auto",
        meaning: "the file of ONNX Runtime's library; auto looks beside the binary and where the system has libraries"
    )
    package static let auditKey = Setting(
        variable: "BALANCEOPS_AUDIT_KEY",
        flag: "audit-key",
        defaultValue: "auto",
        meaning: "the file of the key that signs the audit trail; auto is the database's path with .audit-key behind it"
    )
    package static let webhookHosts = Setting(
        variable: "BALANCEOPS_WEBHOOK_HOSTS",
        flag: "webhook-hosts",
        defaultValue: "",
        meaning: "hosts and address blocks in private networks that webhooks may go to, also over http, with commas"
    )
    package static let logLevel = Setting(
        variable: "BALANCEOPS_LOG_LEVEL",
        flag: "log-level",
        defaultValue: "info",
        meaning: "trace, debug, info, notice, warning, error or critical"
    )

    package static let all = [
        database, artifacts, currentModel, apiURL, host, port, grpcPort, fastLane, eventLoops, dashboardPort,
        allowedHosts, basePath, maxConnections, headTimeout, idleTimeout, minRate, maxJSON, bodyMemory,
        predictionThreads,
        predictionQueue, onnxRuntime, auditKey, webhookHosts, logLevel,
    ]
}
