package import BalanceCore
package import Hummingbird

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
    package var promoter: VersionPromoter
    /// What the API's `/version` says, or why it cannot be asked.
    package var server: @Sendable () async -> Result<JSONValue, Failure>
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
        promoter: VersionPromoter,
        server: @escaping @Sendable () async -> Result<JSONValue, Failure>,
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
        self.promoter = promoter
        self.server = server
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

    /// Every route of the pages.
    package var routes: [RouteDescription] {
        let html = "text/html"
        let id = RouteDescription.Parameter("run_id", in: .path, [("type", "string")])
        let root = RouteDescription("GET", "/", "Redirects to the dashboard.", contentType: html, success: [303])
        return (base.isEmpty ? [] : [root]) + [
            RouteDescription("GET", base.isEmpty ? "/" : base, "The dashboard: model, runs, trend.", contentType: html),
            RouteDescription(
                "GET",
                "\(base)/runs/latest",
                "The newest run's page.",
                contentType: html,
                success: [303],
                failures: [.runNotFound]
            ),
            RouteDescription(
                "GET",
                "\(base)/runs/{run_id}",
                "One run's page.",
                parameters: [id],
                contentType: html,
                failures: [.runNotFound]
            ),
            RouteDescription(
                "GET",
                "\(base)/runs/{run_id}/artifacts/{index}",
                "A file that a run recorded, up to 50 MB.",
                parameters: [id, .init("index", in: .path, [("type", "integer")])],
                contentType: "application/octet-stream",
                dialect: .page,
                failures: [.runNotFound, .fileNotFound, .bodyTooLarge]
            ),
            RouteDescription(
                "GET",
                "\(base)/runs/{run_id}/files/{path}",
                "A stored artifact of a run.",
                parameters: [id, .init("path", in: .path, [("type", "string")])],
                contentType: "application/octet-stream",
                dialect: .page,
                failures: [.runNotFound, .fileNotFound, .invalidParameter]
            ),
            RouteDescription("GET", "\(base)/experiments", "The experiments of a folder.", contentType: html),
        ] + actions + governance + [
            RouteDescription(
                "GET",
                "\(base)/preferences",
                "Saves the language, time zone and theme.",
                contentType: html,
                success: [303]
            ),
            RouteDescription(
                "GET",
                "\(base)/assets/{name}",
                "A static file of the pages.",
                parameters: [.init("name", in: .path, [("type", "string")])],
                contentType: "*/*",
                success: [200, 304],
                failures: [.notFound]
            ),
        ]
    }

    /// The forms of the pages.
    private var actions: [RouteDescription] {
        ["runs/{run_id}", "experiments/{experiment_id}"].flatMap { path in
            [("delete", "Deletes"), ("restore", "Restores"), ("purge", "Permanently removes")].map { action, verb in
                let name = path.split(separator: "{")[1].dropLast()
                return RouteDescription(
                    "POST",
                    "\(base)/\(path)/\(action)",
                    "\(verb) the item that the page shows.",
                    parameters: [.init(String(name), in: .path, [("type", "string")])],
                    form: ["sure"],
                    contentType: "text/html",
                    success: [303],
                    failures: [.resourceNotFound, .invalidParameter]
                )
            }
        }
    }

    package func addRoutes<Context: RequestContext>(to router: some RouterMethods<Context>) {
        let (sources, renderer) = (self.sources, self.renderer)
        let runs = RunsPage(sources: sources, renderer: renderer)
        let run = RunPage(sources: sources, renderer: renderer)
        if !base.isEmpty {
            // The client of MLflow prints addresses as /#/experiments/1/runs/ID; the page's script follows them.
            let target = renderer.base
            router.get("/") { _, _ in Response(status: .seeOther, headers: [.location: target]) }
        }
        let group = router.group(RouterPath(base))
        group.get("/") { request, _ in await renderer.page(request) { try await runs.show(request) } }
        group.get("/runs/latest") { request, _ in await renderer.page(request) { try await run.latest() } }
        group.get("/runs/:run_id") { request, context in
            await renderer.page(request) { try await run.show(request, id: try context.parameters.require("run_id")) }
        }
        group.get("/runs/:run_id/artifacts/:index") { request, context in
            await renderer.page(request) {
                try await run.download(
                    id: try context.parameters.require("run_id"),
                    index: try context.parameters.require("index")
                )
            }
        }
        group.get("/runs/:run_id/files/**") { request, context in
            await renderer.page(request) {
                try await run.file(
                    id: try context.parameters.require("run_id"),
                    path: context.parameters.getCatchAll().map(String.init).joined(separator: "/")
                )
            }
        }
        let experiments = ExperimentsPage(sources: sources, renderer: renderer)
        group.get("/experiments") { request, _ in await renderer.page(request) { try await experiments.show(request) } }
        // These forms ask for no name.
        let actor = Actor(name: "dashboard")
        for action in PageAction.allCases {
            group.post("/runs/:run_id/\(action.rawValue)") { request, context in
                await renderer.page(request) {
                    try await run.act(action, id: context.parameters.require("run_id"), by: actor)
                }
            }
            group.post("/experiments/:experiment_id/\(action.rawValue)") { request, context in
                await renderer.page(request) {
                    try await experiments.act(action, id: context.parameters.require("experiment_id"), by: actor)
                }
            }
        }
        addGovernance(to: group)
        group.get("/preferences") { request, _ in renderer.keepPreferences(request) }
        group.get("/assets/:name") { request, context in
            try Assets.response(for: try context.parameters.require("name"), request)
        }
    }
}
