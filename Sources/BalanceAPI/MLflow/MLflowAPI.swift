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

    private let endpoints: [Endpoint]

    package init(log: any RunLog) {
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
            Endpoint(method: .post, path: "runs/search", summary: "Searches runs.") { try await runs.search($0) },
            Endpoint(method: .get, path: "metrics/get-history", summary: "A metric's history.") {
                try await runs.history($0)
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
        }
    }

    package func addRoutes(to router: Router<AppContext>) {
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
}
