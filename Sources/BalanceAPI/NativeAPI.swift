package import BalanceService
package import BalanceCore
package import BalanceNet

/// The native HTTP API.
package struct NativeAPI: Sendable {
    private let system: SystemController
    /// Every endpoint of the native API.
    package let endpoints: [Endpoint]

    package init(
        tracking: any TrackingStore,
        log: any RunLog,
        trash: any Trash,
        registry: any RegistryStore,
        artifacts: any ArtifactStore,
        models: any ModelProvider,
        governance: GovernanceSources,
        service: ModelService,
        unpack: @escaping Unpack,
        accounts: AccountService,
        build: BuildInfo,
        storage: @escaping @Sendable () -> Failure?
    ) {
        system = SystemController(registry: registry, models: models, build: build, storage: storage)
        let named = ModelsPredictController(
            registry: governance.registry,
            governance: governance.governance,
            service: service
        )
        endpoints =
            system.endpoints + RunsController(tracking: tracking, artifacts: artifacts).endpoints
            + FoldersController(log: log).endpoints + LifecycleController(log: log, trash: trash).endpoints
            + named.endpoints
            + OpenInferenceAPI(service: service, unpack: unpack, storage: storage).endpoints
            + ScoringController(service: service).endpoints + TransitionsController(sources: governance).endpoints
            + PoliciesController(sources: governance).endpoints + AuditController(sources: governance).endpoints
            + AccountsController(accounts: accounts).endpoints + TokensController(accounts: accounts).endpoints
            + WebhooksController(sources: governance).endpoints + PredictController(service: service).endpoints
    }

    /// What `GET /version` answers.
    package func version() async -> JSONValue { await system.version() }
}
