package import BalanceService
package import BalanceCore
package import BalanceNet

/// What MLflow's routes work on.
package struct MLflowSources: Sendable {
    package var log: any RunLog
    package var models: any LoggedModelStore
    package var registry: any ModelRegistry
    package var files: any ArtifactFiles
    package var versionFiles: VersionFiles
    package var promotions: PromotionService

    package init(
        log: any RunLog,
        models: any LoggedModelStore,
        registry: any ModelRegistry,
        files: any ArtifactFiles,
        versionFiles: VersionFiles,
        promotions: PromotionService
    ) {
        self.log = log
        self.models = models
        self.registry = registry
        self.files = files
        self.versionFiles = versionFiles
        self.promotions = promotions
    }
}

/// MLflow's REST API for tracking, artifacts, logged models and the registry.
package struct MLflowAPI: Sendable {
    /// The client version that this dialect was checked with; `GET /version` answers it to MLflow's client.
    package static let version = "3.17.2"

    /// Every endpoint of this API.
    package let endpoints: [Endpoint]

    package init(_ sources: MLflowSources) {
        let lists = ArtifactLists(sources: sources)
        let dialect: [MLflowEndpoint] =
            ExperimentsController(log: sources.log).endpoints + TrackingController(log: sources.log).endpoints
            + HistoryController(log: sources.log).endpoints + lists.endpoints
            + LoggedModelsController(models: sources.models).endpoints
            + ModelsController(registry: sources.registry, promotions: sources.promotions).endpoints
            + VersionsController(sources: sources).endpoints
        let artifacts = ArtifactRoutes(controller: ArtifactsController(files: sources.files), lists: lists)
        endpoints = dialect.flatMap(\.endpoints) + artifacts.endpoints + [Self.serverInfo]
    }

    private static let serverInfo = Endpoint(
        .init("GET", "/api/3.0/mlflow/server-info", "Server information.", answer: "MLflowAnswer"),
        .open
    ) { _, _ in
        .json(
            .object([
                ("store_type", "SqlStore"), ("workspaces_enabled", .bool(false)),
                ("trace_archival_enabled", .bool(false)), ("multipart_uploads_enabled", .bool(false)),
                ("multipart_downloads_enabled", .bool(false)),
            ])
        )
    }
}
