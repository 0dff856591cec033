package import BalanceCore
import Foundation
package import Hummingbird

/// The native HTTP API.
package struct NativeAPI: Sendable {
    private let system: SystemController
    private let runs: RunsController
    private let predictions: PredictController
    private let lifecycle: LifecycleController
    private let folders: FoldersController
    private let named: ModelsPredictController
    private let inference: OpenInferenceAPI
    private let scoring: ScoringController
    private let transitions: TransitionsController
    private let policies: PoliciesController
    private let audit: AuditController
    private let webhooks: WebhooksController

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
        build: BuildInfo,
        storage: @escaping @Sendable () -> Failure?
    ) {
        inference = OpenInferenceAPI(service: service, unpack: unpack, storage: storage)
        scoring = ScoringController(service: service)
        system = SystemController(registry: registry, models: models, build: build, storage: storage)
        runs = RunsController(tracking: tracking, artifacts: artifacts)
        predictions = PredictController(service: service)
        lifecycle = LifecycleController(log: log, trash: trash)
        folders = FoldersController(log: log)
        named = ModelsPredictController(
            registry: governance.registry,
            governance: governance.governance,
            service: service
        )
        transitions = TransitionsController(sources: governance)
        policies = PoliciesController(sources: governance)
        audit = AuditController(sources: governance)
        webhooks = WebhooksController(sources: governance)
    }

    /// Every route of the native API.
    package static let routes =
        SystemController.routes + RunsController.routes + FoldersController.routes + LifecycleController.routes
        + ModelsPredictController.routes + OpenInferenceAPI.routes + ScoringController.routes
        + TransitionsController.routes + PoliciesController.routes + AuditController.routes + WebhooksController.routes
        + [
            PredictController.route, RouteDescription("GET", "/openapi.json", "This document.", answer: "Document"),
        ]

    /// What `GET /version` answers.
    package func version() async -> JSONValue { await system.version() }

    /// Whether the caller is MLflow's client, or asks for text: then the answer is a bare version number.
    private static func wantsText(_ request: Request) -> Bool {
        let agent = request.headers[.userAgent]?.lowercased() ?? ""
        let accept = request.headers[.accept]?.lowercased() ?? ""
        return agent.hasPrefix("mlflow-python-client") || accept.hasPrefix("text/plain")
    }

    /// Adds the routes; `allRoutes` are those of the whole server, for the OpenAPI document.
    package func addRoutes(to router: Router<AppContext>, allRoutes: [RouteDescription]) {
        let (system, runs, predictions) = (self.system, self.runs, self.predictions)
        let document = OpenAPIDocument.json(allRoutes)
        router.get("/health") { _, _ in Response.json(try system.health()) }
        router.get("/version") { request, _ in
            if Self.wantsText(request) {
                return Response(
                    status: .ok,
                    headers: [.contentType: "text/plain"],
                    body: .init(byteBuffer: .init(string: MLflowAPI.version))
                )
            }
            return Response.json(await system.version())
        }
        router.get("/model") { _, _ in Response.json(try await system.model()) }
        router.get("/runs") { request, _ in Response.json(try await runs.list(request)) }
        router.get("/runs/latest") { _, _ in Response.json(try await runs.latest()) }
        router.get("/runs/:run_id") { _, context in
            Response.json(try await runs.detail(context.runID()))
        }
        folders.addRoutes(to: router)
        lifecycle.addRoutes(to: router)
        named.addRoutes(to: router)
        inference.addRoutes(to: router)
        scoring.addRoutes(to: router)
        transitions.addRoutes(to: router)
        policies.addRoutes(to: router)
        audit.addRoutes(to: router)
        webhooks.addRoutes(to: router)
        router.post("/predict") { request, _ in Response.json(try await predictions.predict(request)) }
        router.get("/openapi.json") { _, _ in Response.json(document) }
    }
}
