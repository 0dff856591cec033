import BalanceService
import BalanceAPI
import BalanceCore
import BalanceDashboard
import BalanceGRPC
import BalanceInference
import BalanceNet
import BalanceServing
import BalanceStore
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import UnixSignals

/// Puts the two servers together.
struct ServerBuilder {
    let workspace: Workspace
    let logger: Logger
    private let pool: PredictionPool
    /// The memory that bodies may take at once.
    private let bodies: ByteBudget
    /// What a proxy has in front of every path.
    private let prefix: String
    /// How many descriptors the process may have.
    private let descriptors: Int
    private let access: ServerAccess
    private let port: Int

    init(workspace: Workspace, mode: AccessMode = .off, port: Int = 0) async throws {
        self.workspace = workspace
        self.port = port
        access = try await ServerAccess(workspace: workspace, mode: mode, port: port)
        descriptors = ProcessLimits.raiseDescriptors()
        prefix = try workspace.settings.linkPrefix()
        pool = PredictionPool(
            threads: try workspace.settings.predictionThreads(),
            queue: try workspace.settings.number(.predictionQueue, 0...100_000)
        )
        bodies = ByteBudget(limit: try workspace.settings.number(.bodyMemory, 1 << 20...1 << 40))
        TextBodies.use(limit: try workspace.settings.number(.maxJSON, 1024...1 << 30))
        var logger = Logger(label: "balanceops") { StreamLogHandler.standardError(label: $0) }
        let text = workspace.settings[.logLevel].text
        guard let level = Logger.Level(rawValue: text.lowercased()) else {
            let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure(.invalidArgument, "invalid log level '\(text)'", hint: "use one of \(levels)")
        }
        logger.logLevel = level
        self.logger = logger
    }

    /// `https` where this server speaks TLS.
    var scheme: String { access.identity == nil ? "http" : "https" }

    /// What is said when the server listens, with its URL.
    func welcome() async throws -> @Sendable (String) -> Void { try await access.welcome() }

    /// The API, with the dashboard below `/ui`.
    func api(
        grpc: (port: Int, isOptional: Bool)? = nil,
        onGRPC: @escaping @Sendable (Int) -> Void = { _ in },
        onStart: @escaping @Sendable (Int) -> Void
    ) async throws -> some ApplicationProtocol {
        let parts = apiRouter()
        let answers = QuickAnswers(directory: parts.hosts, service: parts.service, hosts: allowedHosts)
        let callers = LaneCallers(access.directory)
        let isFast = try workspace.settings.isOn(.fastLane)
        let tracking = TrackingLane(log: workspace.callbackLog, hosts: allowedHosts, logger: logger)
        let lane = isFast ? FastLaneChannel.Lane(answers: answers, tracking: tracking, callers: callers) : nil
        var application = try application(parts.router, lane: lane, onStart: onStart)
        application.addServices(parts.hosts, sender, StorageWatch(database: workspace.database))
        if access.isWatched { application.addServices(AccessWatch(directory: access.directory, logger: logger)) }
        if let identity = access.identity { application.addServices(TLSWatch(identity: identity, logger: logger)) }
        if let grpc {
            application.addServices(
                InferenceGRPCServer(
                    service: parts.service,
                    access: access.authentication.check,
                    identity: access.identity,
                    host: workspace.settings[.host].text,
                    port: grpc.port,
                    isOptional: grpc.isOptional,
                    logger: logger,
                    limits: try workspace.settings.connectionLimits(),
                    maximumConnections: try workspace.settings.connections(descriptors: descriptors).grpc,
                    unpack: { try Inflate.unpack($0, limit: $1) },
                    onStart: onGRPC
                )
            )
        }
        return application
    }

    /// Every endpoint of the API and its pages.
    func apiEndpoints() -> [Endpoint] { apiParts().endpoints }

    /// What answers commands on the files: the same endpoints, whose failures are thrown as they are.
    func filesResponder() -> RouterResponder<AppContext> {
        let router = Router(context: AppContext.self)
        router.add(middleware: RequestIDMiddleware())
        router.add(apiEndpoints(), behind: access.authentication)
        return router.buildResponder()
    }

    /// The API's routes, its models, and the services that keep them fresh.
    func apiRouter() -> (router: Router<AppContext>, hosts: ModelHosts, service: ModelService) {
        let parts = apiParts()
        return (router(parts.endpoints), parts.hosts, parts.service)
    }

    private func apiParts() -> (endpoints: [Endpoint], hosts: ModelHosts, service: ModelService) {
        let host = workspace.modelHost()
        let workspace = self.workspace
        let hosts = ModelHosts(
            registry: workspace.models,
            files: workspace.versionFiles,
            hosts: [defaultModelName: host]
        ) { workspace.modelHost($0) }
        let service = ModelService(
            directory: hosts,
            registry: workspace.models,
            store: workspace.registry,
            statistics: InferenceStatistics(),
            runner: pool
        )
        let build = BuildInfo(git: Git.info())
        let api = NativeAPI(
            tracking: workspace.tracking,
            log: workspace.log,
            trash: workspace.trash,
            registry: workspace.registry,
            artifacts: workspace.artifacts,
            models: host,
            governance: governance,
            service: service,
            unpack: { try Inflate.unpack($0, limit: $1) },
            accounts: access.accounts,
            build: build,
            storage: { workspace.database.loss }
        )
        let dashboard = pages(base: "/ui", trial: Self.trial(service)) { .success(await api.version()) }
        let mlflow = MLflowAPI(
            MLflowSources(
                log: workspace.log,
                models: workspace.loggedModels,
                registry: workspace.models,
                files: workspace.artifactFiles,
                versionFiles: workspace.versionFiles,
                promotions: workspace.promotions
            )
        )
        let endpoints = api.endpoints + mlflow.endpoints + dashboard.endpoints
        return (endpoints + [OpenAPIDocument.endpoint(of: endpoints)], hosts, service)
    }

    /// What sends webhooks.
    private var sender: WebhookSender {
        WebhookSender(
            store: workspace.webhooks,
            rules: OutboundRules(allowed: workspace.settings[.webhookHosts].text),
            logger: logger
        )
    }

    private var governance: GovernanceSources {
        let rules = OutboundRules(allowed: workspace.settings[.webhookHosts].text)
        let sender = self.sender
        let keyPath = Workspace.auditKeyPath(workspace.settings)
        return GovernanceSources(
            governance: workspace.governance,
            registry: workspace.models,
            promotions: workspace.promotions,
            runs: workspace.runPromotion,
            tracking: workspace.tracking,
            audit: workspace.audit,
            webhooks: workspace.webhooks,
            publicKey: workspace.auditKey.publicKey,
            rememberedHead: { AuditKey.head(besideKey: keyPath) },
            checkURL: { _ = try rules.target($0) },
            probe: { await sender.probe($0) }
        )
    }

    /// The dashboard on a port of its own.
    func dashboard(
        isWritable: Bool,
        onStart: @escaping @Sendable (Int) -> Void
    ) throws -> some ApplicationProtocol {
        let url = workspace.settings.serverURL
        let dashboard = pages(base: "") { await APIClient(baseURL: url).version() }
        let health = Endpoint(.init("GET", "/health", "Whether the pages answer.", answer: "Health"), .open) { _, _ in
            .json(.object([("status", "ok")]))
        }
        let router = router(dashboard.endpoints + [health], isReadOnly: !isWritable)
        var application = try application(router, onStart: onStart)
        if access.isWatched { application.addServices(AccessWatch(directory: access.directory, logger: logger)) }
        if let identity = access.identity { application.addServices(TLSWatch(identity: identity, logger: logger)) }
        return application
    }

    /// What the pages ask models by.
    private static func trial(_ service: ModelService) -> ModelTrial {
        ModelTrial(
            features: { name in
                let predictor = try await service.model(name, version: nil).predictor
                return (0..<predictor.featureCount).map { index in
                    let names = predictor.featureNames ?? []
                    return .init(
                        name: names.indices.contains(index) ? names[index] : "f\(index)",
                        isText: predictor.textFeatures.contains(index)
                    )
                }
            },
            predict: { name, value in
                let model = try await service.model(name, version: nil)
                let body = try PredictionBody(value)
                return try await service.asking(model, rows: body.count) { try service.answer(body, with: model) }
            }
        )
    }

    private func pages(
        base: String,
        trial: ModelTrial? = nil,
        server: @escaping @Sendable () async -> Result<JSONValue, Failure>
    ) -> Dashboard {
        Dashboard(
            base: base,
            prefix: prefix,
            sources: DashboardSources(
                tracking: workspace.tracking,
                log: workspace.log,
                trash: workspace.trash,
                files: workspace.artifactFiles,
                registry: workspace.registry,
                artifacts: workspace.artifacts,
                models: workspace.models,
                governance: workspace.governance,
                audit: workspace.audit,
                promotions: workspace.promotions,
                access: DashboardAccess(
                    accounts: access.accounts,
                    authentication: access.authentication,
                    provider: access.provider,
                    isOpen: access.mode == .open,
                    publicURL: workspace.settings[.publicURL].text
                ),
                server: server,
                trial: trial,
                settings: Setting.all.map { setting in
                    let value = workspace.settings[setting]
                    return (setting.variable, value.text, value.origin)
                }
            )
        )
    }

    private func router(_ endpoints: [Endpoint], isReadOnly: Bool = false) -> Router<AppContext> {
        let router = Router(context: AppContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: RequestIDMiddleware())
        router.add(middleware: FailureMiddleware(endpoints))
        router.add(middleware: HostMiddleware(allowedHosts))
        router.add(middleware: BodyBudgetMiddleware(bodies))
        if isReadOnly { router.add(middleware: ReadOnlyMiddleware()) }
        router.add(middleware: UnknownRouteMiddleware(access.authentication))
        router.add(endpoints, behind: access.authentication)
        return router
    }

    /// The names that clients may use besides loopback: those of the settings, and the address that is listened on.
    private var allowedHosts: AllowedHosts {
        let host = workspace.settings[.host].text
        let own = host.contains(":") ? "[\(host)]" : host
        return AllowedHosts(
            (workspace.settings[.allowedHosts].text.split(separator: ",") + [own[...]]).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        )
    }

    private func application(
        _ router: Router<AppContext>,
        lane: FastLaneChannel.Lane? = nil,
        onStart: @escaping @Sendable (Int) -> Void
    ) throws -> Application<RouterResponder<AppContext>> {
        let limits = try workspace.settings.connectionLimits()
        let connections = try workspace.settings.connections(descriptors: descriptors).http
        let tls = try access.identity.map { try NIOSSLContext(configuration: $0.configuration) }
        return Application(
            router: router,
            server: HTTPServerBuilder { FastLaneChannel(responder: $0, limits: limits, lane: lane, tls: tls) },
            configuration: ApplicationConfiguration(
                address: .hostname(workspace.settings[.host].text, port: port),
                serverName: "balanceops"
            ),
            onServerRunning: { channel in
                try? await AcceptLimit.install(connections, on: channel)
                onStart(channel.localAddress?.port ?? port)
            },
            logger: logger
        )
    }
}

extension ApplicationProtocol {
    /// Runs until SIGTERM or SIGINT; requests that have begun are answered first.
    ///
    /// Where it reloads, SIGHUP reads the certificate again and does not end the server.
    func runUntilStopped(port: Int, reloads: Bool) async throws {
        var configuration = ServiceGroupConfiguration(
            services: [self],
            gracefulShutdownSignals: [.sigterm, .sigint] + (!reloads && ProcessLimits.hangupStops() ? [.sighup] : []),
            logger: logger
        )
        // A client that never sends the rest of its request must not keep the server from stopping.
        configuration.maximumGracefulShutdownDuration = .seconds(10)
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch is CancellationError {
            return
        } catch {
            throw Self.failure(error, port: port)
        }
    }

    private static func failure(_ error: any Error, port: Int) -> any Error {
        if "\(error)".contains("Address already in use") {
            return Failure(
                .addressInUse,
                "port \(port) is already in use",
                hint: "stop the program that uses it, or choose another port with --port",
                cause: error
            )
        }
        guard error is IOError || error is SocketAddressError else { return error }
        return Failure(
            .invalidArgument,
            "cannot listen on port \(port): \(error)",
            hint: "choose another --host or --port",
            cause: error
        )
    }
}
