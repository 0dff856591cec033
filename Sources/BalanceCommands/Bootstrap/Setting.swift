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
        meaning: "the file of the served model"
    )
    package static let apiURL = Setting(
        variable: "BALANCEOPS_API_URL",
        flag: "api-url",
        defaultValue: "http://127.0.0.1:8000",
        meaning: "the API URL that the dashboard uses"
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
        meaning: "the gRPC port of the inference protocol; auto is the API port + 1 if free, off disables gRPC"
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
        meaning: "the number of threads that serve connections; auto is the number of cores minus 1"
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
            "the path prefix, such as /mlops, that a proxy adds and strips; links of the pages begin with it"
    )
    package static let maxConnections = Setting(
        variable: "BALANCEOPS_MAX_CONNECTIONS",
        flag: "max-connections",
        defaultValue: "auto",
        meaning:
            "the maximum number of open connections, a quarter of them for gRPC; auto: file descriptor limit minus 128"
    )
    package static let headTimeout = Setting(
        variable: "BALANCEOPS_HEAD_TIMEOUT",
        flag: "head-timeout",
        defaultValue: "10",
        meaning: "the timeout for a request's headers, in seconds; then the answer is 408 and the connection is closed"
    )
    package static let idleTimeout = Setting(
        variable: "BALANCEOPS_IDLE_TIMEOUT",
        flag: "idle-timeout",
        defaultValue: "60",
        meaning: "seconds after which an idle connection is closed"
    )
    package static let minRate = Setting(
        variable: "BALANCEOPS_MIN_RATE",
        flag: "min-rate",
        defaultValue: "1024",
        meaning: "the minimum average rate at which a client must send a body and read an answer, in bytes per second"
    )
    package static let maxJSON = Setting(
        variable: "BALANCEOPS_MAX_JSON",
        flag: "max-json",
        defaultValue: "4194304",
        meaning: "the maximum size of a JSON or CSV body or a JSON head of tensors, in bytes; larger ones get 413"
    )
    package static let bodyMemory = Setting(
        variable: "BALANCEOPS_BODY_MEMORY",
        flag: "body-memory",
        defaultValue: "268435456",
        meaning: "the memory for request bodies read at the same time, in bytes, text counted 8 times; more get 503"
    )
    package static let predictionThreads = Setting(
        variable: "BALANCEOPS_PREDICTION_THREADS",
        flag: "prediction-threads",
        defaultValue: "auto",
        meaning:
            "the number of threads for predictions slower than about 1 ms; auto is the number of cores minus 1"
    )
    package static let predictionQueue = Setting(
        variable: "BALANCEOPS_PREDICTION_QUEUE",
        flag: "prediction-queue",
        defaultValue: "64",
        meaning: "the maximum number of queued slow predictions; more get 503"
    )
    package static let onnxRuntime = Setting(
        variable: "BALANCEOPS_ONNX_RUNTIME",
        flag: "onnx-runtime",
        defaultValue: "auto",
        meaning: "the ONNX Runtime library file; auto searches next to the binary and in the system library folders"
    )
    package static let auditKey = Setting(
        variable: "BALANCEOPS_AUDIT_KEY",
        flag: "audit-key",
        defaultValue: "auto",
        meaning: "the key file that signs the audit trail; auto is the database path with the suffix .audit-key"
    )
    package static let webhookHosts = Setting(
        variable: "BALANCEOPS_WEBHOOK_HOSTS",
        flag: "webhook-hosts",
        defaultValue: "",
        meaning: "comma-separated private hosts and CIDR blocks that webhooks may reach, also over http"
    )
    package static let auth = Setting(
        variable: "BALANCEOPS_AUTH",
        flag: "auth",
        defaultValue: "auto",
        meaning: "on asks every request who sends it, off never does; auto is on as soon as there is an account"
    )
    package static let basicPasswords = Setting(
        variable: "BALANCEOPS_BASIC_PASSWORDS",
        flag: "basic-passwords",
        defaultValue: "on",
        meaning: "off refuses the passwords of people in HTTP's basic authentication; tokens stay accepted there"
    )
    package static let tlsCertificate = Setting(
        variable: "BALANCEOPS_TLS_CERT",
        flag: "tls-cert",
        defaultValue: "",
        meaning: "the PEM file with the server's certificate and its chain; read again at SIGHUP"
    )
    package static let tlsKey = Setting(
        variable: "BALANCEOPS_TLS_KEY",
        flag: "tls-key",
        defaultValue: "",
        meaning: "the PEM file with the key of the certificate"
    )
    package static let trustedProxies = Setting(
        variable: "BALANCEOPS_TRUSTED_PROXIES",
        flag: "trusted-proxies",
        defaultValue: "",
        meaning: "comma-separated addresses and CIDR blocks of proxies whose X-Forwarded-For and -Proto count"
    )
    package static let proxyUserHeader = Setting(
        variable: "BALANCEOPS_PROXY_USER_HEADER",
        flag: "proxy-user-header",
        defaultValue: "",
        meaning: "the header in which a trusted proxy names the account of who signed in with it, such as X-Remote-User"
    )
    package static let publicURL = Setting(
        variable: "BALANCEOPS_PUBLIC_URL",
        flag: "public-url",
        defaultValue: "",
        meaning:
            "the URL that browsers reach the server by, such as https://mlops.example.com; single sign-on returns to it"
    )
    package static let oidcIssuer = Setting(
        variable: "BALANCEOPS_OIDC_ISSUER",
        flag: "oidc-issuer",
        defaultValue: "",
        meaning: "the URL of an OpenID Connect provider; empty: no single sign-on"
    )
    package static let oidcClient = Setting(
        variable: "BALANCEOPS_OIDC_CLIENT_ID",
        flag: "oidc-client-id",
        defaultValue: "",
        meaning: "the client ID of this server at the provider"
    )
    package static let oidcSecretFile = Setting(
        variable: "BALANCEOPS_OIDC_SECRET_FILE",
        flag: "oidc-secret-file",
        defaultValue: "",
        meaning: "the file with the client secret; empty: a public client, protected by PKCE alone"
    )
    package static let oidcScopes = Setting(
        variable: "BALANCEOPS_OIDC_SCOPES",
        flag: "oidc-scopes",
        defaultValue: "openid profile email",
        meaning: "the scopes that are asked for, separated by spaces"
    )
    package static let oidcGroupsClaim = Setting(
        variable: "BALANCEOPS_OIDC_GROUPS_CLAIM",
        flag: "oidc-groups-claim",
        defaultValue: "groups",
        meaning: "the claim with the names of a person's groups"
    )
    package static let oidcRoles = Setting(
        variable: "BALANCEOPS_OIDC_ROLES",
        flag: "oidc-roles",
        defaultValue: "",
        meaning: "GROUP=ROLE or GROUP=ROLE@SCOPE, separated by commas; who is in none of the groups may nothing"
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
        predictionQueue, onnxRuntime, auditKey, webhookHosts, auth, basicPasswords, tlsCertificate, tlsKey,
        trustedProxies, proxyUserHeader, publicURL, oidcIssuer, oidcClient, oidcSecretFile, oidcScopes, oidcGroupsClaim,
        oidcRoles, logLevel,
    ]
}
