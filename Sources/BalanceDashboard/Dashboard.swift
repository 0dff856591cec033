package import BalanceService
package import BalanceCore
package import BalanceNet
import Hummingbird

/// What the pages show.
package struct DashboardSources: Sendable {
    package var tracking: any TrackingStore
    package var log: any RunLog
    package var trash: any Trash
    package var files: any ArtifactFiles
    package var registry: any RegistryStore
    package var artifacts: any ArtifactStore
    package var models: any ModelRegistry
    package var governance: any Governance
    package var audit: any AuditTrail
    package var promotions: PromotionService
    package var access: DashboardAccess
    /// What the API's `/version` says, or why it cannot be asked.
    package var server: @Sendable () async -> Result<JSONValue, Failure>
    /// nil where this server executes no models.
    package var trial: ModelTrial?
    /// Each setting's variable, value and origin.
    package var settings: [(name: String, value: String, origin: String)]

    package init(
        tracking: any TrackingStore,
        log: any RunLog,
        trash: any Trash,
        files: any ArtifactFiles,
        registry: any RegistryStore,
        artifacts: any ArtifactStore,
        models: any ModelRegistry,
        governance: any Governance,
        audit: any AuditTrail,
        promotions: PromotionService,
        access: DashboardAccess,
        server: @escaping @Sendable () async -> Result<JSONValue, Failure>,
        trial: ModelTrial? = nil,
        settings: [(name: String, value: String, origin: String)]
    ) {
        self.tracking = tracking
        self.log = log
        self.trash = trash
        self.files = files
        self.registry = registry
        self.artifacts = artifacts
        self.models = models
        self.governance = governance
        self.audit = audit
        self.promotions = promotions
        self.access = access
        self.server = server
        self.trial = trial
        self.settings = settings
    }
}

/// The pages, below a base path.
package struct Dashboard: Sendable {
    let base: String
    let sources: DashboardSources
    let renderer: PageRenderer

    /// Pages whose every path begins with `base`: empty, or `/ui`.
    ///
    /// A proxy that shows the server below a path of its own takes that path, `prefix`, away; links have it in front.
    package init(base: String, prefix: String = "", sources: DashboardSources) {
        self.base = base
        self.sources = sources
        renderer = PageRenderer(base: prefix + base, prefix: prefix)
    }

    /// Every endpoint of the pages.
    package var endpoints: [Endpoint] { lead + runPages + workspacePages + actions + governance + accountPages + frame }

    /// An endpoint that makes a page, whose failures are pages too.
    func page(
        _ route: RouteDescription,
        _ permission: Permission = .read,
        on objects: ObjectRule = .path,
        _ make: @escaping @Sendable (Request, AppContext) async throws -> PageRenderer.PageResult
    ) -> Endpoint {
        let (renderer, access) = (self.renderer, sources.access)
        var endpoint = Endpoint(route, permission, on: objects) { request, context in
            let viewer = PageViewer(context, access)
            let response = await renderer.page(request, viewer) {
                guard route.method == "POST", !viewer.seal.isEmpty else { return try await make(request, context) }
                return try await make(viewer.opened(request, context), context)
            }
            return access.securing(response, request, context)
        }
        endpoint.isPage = true
        endpoint.refused = { failure, request, context in
            guard failure.code == .unauthenticated, request.headers[.authorization] == nil else {
                return renderer.failed(failure, request, PageViewer(context, access))
            }
            return SignInPage.redirect(request, renderer)
        }
        return endpoint
    }

    /// From the root to the pages, where they are below another path.
    private var lead: [Endpoint] {
        // The client of MLflow prints addresses as /#/experiments/1/runs/ID; the page's script follows them.
        let target = renderer.base
        let root = RouteDescription("GET", "/", "Redirects to the dashboard.", contentType: "text/html", success: [303])
        return base.isEmpty
            ? [] : [Endpoint(root, .open) { _, _ in Response(status: .seeOther, headers: [.location: target]) }]
    }

    private var runPages: [Endpoint] {
        let html = "text/html"
        let runs = RunsPage(sources: sources, renderer: renderer)
        let run = RunPage(sources: sources, renderer: renderer)
        let experiments = ExperimentsPage(sources: sources, renderer: renderer)
        return [
            page(
                .init("GET", base.isEmpty ? "/" : base, "The dashboard: model, runs, trend.", contentType: html),
                on: .any
            ) { try await runs.show($0, $1) },
            page(
                .init(
                    "GET",
                    "\(base)/runs/latest",
                    "The newest run's page.",
                    contentType: html,
                    success: [303],
                    failures: [.runNotFound]
                ),
                on: .any
            ) { _, _ in try await run.latest() },
            page(
                .init("GET", "\(base)/runs/{run_id}", "One run's page.", contentType: html, failures: [.runNotFound])
            ) { try await run.show($0, id: $1.parameters.require("run_id")) },
            page(
                .init(
                    "GET",
                    "\(base)/runs/{run_id}/artifacts/{index}",
                    "A file that a run recorded, up to 50 MB.",
                    parameters: [.init("index", in: .path, [("type", "integer")])],
                    contentType: "application/octet-stream",
                    dialect: .page,
                    failures: [.runNotFound, .fileNotFound, .bodyTooLarge]
                )
            ) { try await run.download(id: $1.parameters.require("run_id"), index: $1.parameters.require("index")) },
            page(
                .init(
                    "GET",
                    "\(base)/runs/{run_id}/files/{path}",
                    "A stored artifact of a run.",
                    contentType: "application/octet-stream",
                    dialect: .page,
                    failures: [.runNotFound, .fileNotFound, .invalidParameter]
                )
            ) { _, context in
                let path = context.rest()
                return try await run.file(id: context.parameters.require("run_id"), path: path)
            },
            page(.init("GET", "\(base)/experiments", "The experiments of a folder.", contentType: html), on: .any) {
                request,
                _ in
                try await experiments.show(request)
            },
        ]
    }

    /// The forms that delete, restore and remove; they ask for no name.
    private var actions: [Endpoint] {
        let run = RunPage(sources: sources, renderer: renderer)
        let experiments = ExperimentsPage(sources: sources, renderer: renderer)
        func form(_ action: PageAction, _ path: String) -> RouteDescription {
            RouteDescription(
                "POST",
                "\(base)/\(path)/\(action.rawValue)",
                "\(action.verb) the item that the page shows.",
                form: ["sure"],
                contentType: "text/html",
                success: [303],
                failures: [.resourceNotFound, .invalidParameter]
            )
        }
        return PageAction.allCases.map { action in
            page(form(action, "runs/{run_id}"), action.permission) {
                try await run.act(
                    action,
                    id: $1.parameters.require("run_id"),
                    by: $1.actor(otherwise: "dashboard")
                )
            }
        }
            + PageAction.allCases.map { action in
                page(form(action, "experiments/{experiment_id}"), action.permission) {
                    try await experiments.act(
                        action,
                        id: $1.parameters.require("experiment_id"),
                        by: $1.actor(otherwise: "dashboard")
                    )
                }
            }
    }

    /// What every page needs.
    private var frame: [Endpoint] {
        let renderer = self.renderer
        return [
            Endpoint(
                .init(
                    "GET",
                    "\(base)/preferences",
                    "Saves the language, time zone and theme.",
                    contentType: "text/html",
                    success: [303]
                ),
                .open
            ) { request, _ in renderer.keepPreferences(request) },
            Endpoint(
                .init(
                    "GET",
                    "\(base)/assets/{name}",
                    "A static file of the pages.",
                    contentType: "*/*",
                    success: [200, 304],
                    failures: [.notFound]
                ),
                .open
            ) { try Assets.response(for: $1.parameters.require("name"), $0) },
        ]
    }
}
