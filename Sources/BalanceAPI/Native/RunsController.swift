import BalanceService
import BalanceCore
import BalanceNet
import Hummingbird

/// `/runs`, `/runs/latest` and `/runs/{run_id}`.
struct RunsController: Sendable {
    let tracking: any TrackingStore
    let artifacts: any ArtifactStore

    var endpoints: [Endpoint] {
        [
            Endpoint(Self.list, .read, on: .any) { request, _ in .json(try await list(request)) },
            Endpoint(
                .init("GET", "/runs/latest", "The newest run.", answer: "Run", failures: [.runNotFound]),
                .read,
                on: .any
            ) { _, _ in .json(try await latest()) },
            Endpoint(.init("GET", "/runs/{run_id}", "One run.", answer: "Run", failures: [.runNotFound]), .read) {
                .json(try await detail($1.runID()))
            },
        ]
    }

    private static let list = RouteDescription(
        "GET",
        "/runs",
        "The runs, newest first.",
        parameters: [
            .init(
                "limit",
                in: .query,
                [("type", "integer"), ("minimum", .int(1)), ("maximum", .int(200)), ("default", .int(20))]
            ),
            .init("offset", in: .query, [("type", "integer"), ("minimum", .int(0)), ("default", .int(0))]),
            .init("include_metrics", in: .query, [("type", "boolean"), ("default", .bool(true))]),
            .init("filter", in: .query, [("type", "string")]),
            .init("experiment_id", in: .query, [("type", "string")]),
            .init("view", in: .query, [("type", "string"), ("enum", .strings(["active", "deleted"]))]),
            .init("include_total", in: .query, [("type", "boolean"), ("default", .bool(false))]),
        ],
        answer: "RunList",
        failures: [.validation, .invalidParameter]
    )

    private func list(_ request: Request) async throws -> JSONValue {
        var reader = QueryReader(request)
        let limit = reader.integer("limit", default: 20, 1...200)
        let offset = reader.integer("offset", default: 0, 0...Int.max)
        let includesMetrics = reader.boolean("include_metrics", default: true)
        let includesTotal = reader.boolean("include_total", default: false)
        try reader.check()
        let search = RunSearch(
            experimentIDs: try reader.text("experiment_id").map { [try ExperimentsController.id($0)] },
            query: SearchQuery(
                filter: try reader.filter("filter"),
                view: try view(reader.text("view")),
                limit: limit
            ),
            isLight: !includesMetrics
        )
        let items = try await runs(search, offset, filter: reader.text("filter") ?? "").map { summary in
            var summary = summary
            summary.runDirName = summary.runDirName ?? artifacts.pointer(of: summary.id)?["run_dir_name"]?.string
            return summary.json(includeMetrics: includesMetrics)
        }
        var members: [(String, JSONValue)] = [
            ("items", .array(items)), ("limit", .int(limit)), ("offset", .int(offset)),
            ("count", .int(items.count)),
        ]
        if includesTotal { members.append(("total", .int(try await tracking.count(search)))) }
        return .object(members)
    }

    private func view(_ view: String?) throws -> ViewType {
        guard let view else { return .activeOnly }
        guard let stage = LifecycleStage(rawValue: view) else {
            throw Failure(.invalidParameter, "invalid view '\(view.prefix(50))'", hint: "use active or deleted")
        }
        return stage == .active ? .activeOnly : .deletedOnly
    }

    /// The runs, with what is wrong with a filter's words told as what is wrong with its form.
    private func runs(_ search: RunSearch, _ offset: Int, filter: String) async throws -> [RunSummary] {
        do {
            return try await tracking.runs(search, offset: offset).items
        } catch let error as FilterError {
            throw error.failure(in: filter)
        }
    }

    private func latest() async throws -> JSONValue {
        guard let run = try await latestRun(tracking, artifacts) else {
            throw Failure(
                .runNotFound,
                "No runs found.",
                hint: "Run scripts/run_once.sh (or: balanceops demo-run) to create one."
            )
        }
        return withManifest(run).json
    }

    private func detail(_ id: RunID) async throws -> JSONValue {
        guard let detail = try await tracking.run(id) else {
            throw Failure(
                .runNotFound,
                "Run not found.",
                details: .object([("run_id", .string(id.native))])
            )
        }
        return withManifest(detail).json
    }

    private func withManifest(_ run: RunDetail) -> RunDetail {
        var run = run
        run.manifest = artifacts.pointer(of: run.summary.id)
        return run
    }
}
