package import BalanceCore
import HTTPTypes
package import Hummingbird

/// What MLflow's routes work on.
package struct MLflowSources: Sendable {
    package var log: any RunLog
    package var models: any LoggedModelStore
    package var registry: any ModelRegistry
    package var files: any ArtifactFiles
    package var versionFiles: VersionFiles
    package var promoter: VersionPromoter

    package init(
        log: any RunLog,
        models: any LoggedModelStore,
        registry: any ModelRegistry,
        files: any ArtifactFiles,
        versionFiles: VersionFiles,
        promoter: VersionPromoter
    ) {
        self.log = log
        self.models = models
        self.registry = registry
        self.files = files
        self.versionFiles = versionFiles
        self.promoter = promoter
    }
}

/// MLflow's REST API for tracking, artifacts, logged models and the registry.
package struct MLflowAPI: Sendable {
    /// The client version that this dialect was checked with; `GET /version` answers it to MLflow's client.
    package static let version = "3.17.2"

    private let endpoints: [MLflowEndpoint]
    private let artifacts: ArtifactRoutes

    package init(_ sources: MLflowSources) {
        let lists = ArtifactLists(sources: sources)
        artifacts = ArtifactRoutes(
            controller: ArtifactsController(files: sources.files),
            lists: lists
        )
        endpoints =
            ExperimentsController(log: sources.log).endpoints + TrackingController(log: sources.log).endpoints
            + HistoryController(log: sources.log).endpoints + lists.endpoints
            + LoggedModelsController(models: sources.models).endpoints
            + ModelsController(registry: sources.registry, promoter: sources.promoter).endpoints
            + VersionsController(sources: sources).endpoints
    }

    /// Every route of this API.
    package var routes: [RouteDescription] {
        endpoints.flatMap(\.descriptions) + artifacts.descriptions + [
            RouteDescription("GET", Self.serverInfo, "Server information.", answer: "MLflowAnswer")
        ]
    }

    private static let serverInfo = "/api/3.0/mlflow/server-info"

    package func addRoutes(to router: Router<AppContext>) {
        for endpoint in endpoints { endpoint.addRoutes(to: router) }
        artifacts.addRoutes(to: router)
        let info = JSONValue.object([
            ("store_type", "SqlStore"), ("workspaces_enabled", .bool(false)), ("trace_archival_enabled", .bool(false)),
            ("multipart_uploads_enabled", .bool(false)), ("multipart_downloads_enabled", .bool(false)),
        ])
        router.get(RouterPath(Self.serverInfo)) { _, _ in Response.json(info) }
    }
}
