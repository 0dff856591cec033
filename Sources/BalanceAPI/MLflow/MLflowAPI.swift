package import BalanceCore
package import Hummingbird

/// The part of MLflow's REST API that tracking needs, below `/api/2.0/mlflow` and `/ajax-api/2.0/mlflow`.
package struct MLflowAPI: Sendable {
    /// The client version that this dialect was checked with; `GET /version` answers it to MLflow's client.
    package static let version = "3.17.2"

    private typealias Handler = @Sendable (MLflowFields) async throws -> JSONValue

    private struct Endpoint {
        var method: HTTPRequest.Method
        var path: String
        var summary: String
        var handler: Handler
    }

    private static let roots = ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"]

    private static let artifactRoots = ["/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts"]

    private let endpoints: [Endpoint]
    private let artifacts: ArtifactsController

    package init(log: any RunLog, files: any ArtifactFiles) {
        let artifacts = ArtifactsController(files: files, log: log)
        self.artifacts = artifacts
        let experiments = ExperimentsController(log: log)
        let runs = TrackingController(log: log)
        endpoints = [
            Endpoint(method: .post, path: "experiments/create", summary: "Creates an experiment.") {
                try await experiments.create($0)
            },
            Endpoint(method: .get, path: "experiments/get", summary: "An experiment by id.") {
                try await experiments.get($0)
            },
            Endpoint(method: .get, path: "experiments/get-by-name", summary: "An experiment by name.") {
                try await experiments.getByName($0)
            },
            Endpoint(method: .post, path: "experiments/search", summary: "Searches experiments.") {
                try await experiments.search($0)
            },
            Endpoint(method: .get, path: "experiments/search", summary: "Searches experiments.") {
                try await experiments.search($0)
            },
            Endpoint(method: .post, path: "experiments/update", summary: "Renames an experiment.") {
                try await experiments.update($0)
            },
            Endpoint(method: .post, path: "experiments/delete", summary: "Deletes an experiment and its runs.") {
                try await experiments.setStage(.deleted, $0)
            },
            Endpoint(method: .post, path: "experiments/restore", summary: "Restores an experiment and its runs.") {
                try await experiments.setStage(.active, $0)
            },
            Endpoint(method: .post, path: "experiments/set-experiment-tag", summary: "Sets a tag of an experiment.") {
                try await experiments.setTag($0)
            },
            Endpoint(method: .post, path: "experiments/delete-experiment-tag", summary: "Deletes a tag.") {
                try await experiments.deleteTag($0)
            },
            Endpoint(method: .post, path: "runs/create", summary: "Begins a run.") { try await runs.create($0) },
            Endpoint(method: .get, path: "runs/get", summary: "A run.") { try await runs.get($0) },
            Endpoint(method: .post, path: "runs/update", summary: "Changes a run's status, end or name.") {
                try await runs.update($0)
            },
            Endpoint(method: .post, path: "runs/delete", summary: "Deletes a run.") {
                try await runs.setStage(.deleted, $0)
            },
            Endpoint(method: .post, path: "runs/restore", summary: "Restores a run.") {
                try await runs.setStage(.active, $0)
            },
            Endpoint(method: .post, path: "runs/log-metric", summary: "Logs a metric.") {
                try await runs.logMetric($0)
            },
            Endpoint(method: .post, path: "runs/log-parameter", summary: "Logs a param.") {
                try await runs.logParameter($0)
            },
            Endpoint(method: .post, path: "runs/log-batch", summary: "Logs metrics, params and tags, all or none.") {
                try await runs.logBatch($0)
            },
            Endpoint(method: .post, path: "runs/set-tag", summary: "Sets a tag of a run.") {
                try await runs.setTag($0)
            },
            Endpoint(method: .post, path: "runs/delete-tag", summary: "Deletes a tag of a run.") {
                try await runs.deleteTag($0)
            },
            Endpoint(method: .post, path: "runs/log-inputs", summary: "Records data sets that a run used.") {
                try await runs.logInputs($0)
            },
            Endpoint(method: .post, path: "runs/search", summary: "Searches runs.") { try await runs.search($0) },
            Endpoint(method: .get, path: "metrics/get-history", summary: "A metric's history.") {
                try await runs.history($0)
            },
            // No logged models are kept yet, so none is found; the client asks before it lists a folder.
            Endpoint(method: .post, path: "logged-models/search", summary: "Finds no logged models.") { _ in
                .object([])
            },
            Endpoint(method: .get, path: "artifacts/list", summary: "The files of a run.") {
                try await artifacts.listOfRun($0)
            },
        ]
    }

    /// Every route of this API.
    package var routes: [RouteDescription] {
        Self.roots.flatMap { root in
            endpoints.map { endpoint in
                RouteDescription(
                    endpoint.method.rawValue,
                    "\(root)/\(endpoint.path)",
                    endpoint.summary,
                    body: endpoint.method == .post ? "MLflowRequest" : nil,
                    answer: "MLflowAnswer",
                    failures: [.invalidParameter, .resourceNotFound, .alreadyExists]
                )
            }
        } + Self.artifactRoots.flatMap(Self.artifactRoutes) + [
            RouteDescription("GET", Self.serverInfo, "What this server can do.", answer: "MLflowAnswer")
        ]
    }

    private static let serverInfo = "/api/3.0/mlflow/server-info"

    private static func artifactRoutes(_ root: String) -> [RouteDescription] {
        let list = RouteDescription(
            "GET",
            "\(root)/artifacts",
            "The files of a folder.",
            parameters: [.init("path", in: .query, [("type", "string")])],
            answer: "MLflowAnswer",
            failures: [.invalidParameter]
        )
        let files = [("GET", "Fetches a file; Range is followed."), ("PUT", "Stores a file."), ("DELETE", "Deletes.")]
        return [list]
            + files.map { method, summary in
                RouteDescription(
                    method,
                    "\(root)/artifacts/{path}",
                    summary,
                    parameters: [.init("path", in: .path, [("type", "string")])],
                    contentType: "application/octet-stream",
                    failures: [.invalidParameter, .resourceNotFound, .storageFull]
                )
            }
    }

    package func addRoutes(to router: Router<AppContext>) {
        for root in Self.artifactRoots { addArtifactRoutes(to: router, root) }
        let info = JSONValue.object([
            ("store_type", "SqlStore"), ("workspaces_enabled", .bool(false)), ("trace_archival_enabled", .bool(false)),
            ("multipart_uploads_enabled", .bool(false)), ("multipart_downloads_enabled", .bool(false)),
        ])
        router.get(RouterPath(Self.serverInfo)) { _, _ in Response.json(info) }
        for root in Self.roots {
            for endpoint in endpoints {
                let handler = endpoint.handler
                let isQuery = endpoint.method == .get
                router.on("\(root)/\(endpoint.path)", method: endpoint.method) { request, _ in
                    let fields = try await isQuery ? .query(request) : MLflowFields.body(request)
                    do {
                        return Response.json(try await handler(fields))
                    } catch let error as FilterError {
                        throw error.failure(in: (try? fields.text("filter")) ?? "")
                    }
                }
            }
        }
    }

    private func addArtifactRoutes(to router: Router<AppContext>, _ root: String) {
        let artifacts = artifacts
        let prefix = "\(root)/artifacts/"
        // The router forgets empty segments; the key must see the address as it was sent.
        let path: @Sendable (Request) -> String = { String($0.uri.path.dropFirst(prefix.count)) }
        router.get("\(root)/artifacts") { request, _ in Response.json(try artifacts.list(.query(request))) }
        router.get("\(root)/artifacts/**") { request, _ in try artifacts.get(request, path(request)) }
        router.put("\(root)/artifacts/**") { request, _ in try await artifacts.put(request, path(request)) }
        router.delete("\(root)/artifacts/**") { request, _ in Response.json(try artifacts.delete(path(request))) }
    }
}
