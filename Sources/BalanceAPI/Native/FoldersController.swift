import BalanceCore
import Hummingbird

/// `/experiments` as folders by the `/` in their names, and `/runs/{run_id}/tree`.
struct FoldersController: Sendable {
    let log: any RunLog

    /// The most runs that a tree holds.
    private static let maximumTree = 10_000

    static let routes = [
        RouteDescription(
            "GET",
            "/experiments",
            "The subfolders and experiments of a folder; a '/' in a name separates folders.",
            parameters: [.init("folder", in: .query, [("type", "string")])],
            answer: "ExperimentFolder"
        ),
        RouteDescription(
            "GET",
            "/runs/{run_id}/tree",
            "A run with all its nested runs.",
            parameters: [.init("run_id", in: .path, [("type", "string")])],
            answer: "RunTree",
            failures: [.resourceNotFound]
        ),
    ]

    func addRoutes(to router: Router<AppContext>) {
        router.get("/experiments") { request, _ in
            let folder = FormFields(request.uri.query ?? "")["folder"] ?? ""
            return Response.json(try await ExperimentFolder(folder, in: log).json)
        }
        router.get("/runs/:run_id/tree") { _, context in
            Response.json(try await tree(context.runID()))
        }
    }

    private func tree(_ id: RunID) async throws -> JSONValue {
        let runs = try await log.tree(of: id, limit: Self.maximumTree)
        return RunTree(runs, root: id).json
    }
}
