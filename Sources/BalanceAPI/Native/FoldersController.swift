import BalanceService
import BalanceCore
import BalanceNet
import Hummingbird

/// `/experiments` as folders by the `/` in their names, and `/runs/{run_id}/tree`.
struct FoldersController: Sendable {
    let log: any RunLog

    /// The most runs that a tree holds.
    private static let maximumTree = 10_000

    var endpoints: [Endpoint] {
        [
            Endpoint(
                .init(
                    "GET",
                    "/experiments",
                    "The subfolders and experiments of a folder; a '/' in a name separates folders.",
                    parameters: [.init("folder", in: .query, [("type", "string")])],
                    answer: "ExperimentFolder"
                ),
                .read,
                on: .any
            ) { request, _ in
                let folder = FormFields(request.uri.query ?? "")["folder"] ?? ""
                return .json(try await ExperimentFolder(folder, in: log).json)
            },
            Endpoint(
                .init(
                    "GET",
                    "/runs/{run_id}/tree",
                    "A run with all its nested runs.",
                    answer: "RunTree",
                    failures: [.resourceNotFound]
                ),
                .read
            ) { .json(try await tree($1.runID())) },
        ]
    }

    private func tree(_ id: RunID) async throws -> JSONValue {
        let runs = try await log.tree(of: id, limit: Self.maximumTree)
        return RunTree(runs, root: id).json
    }
}
