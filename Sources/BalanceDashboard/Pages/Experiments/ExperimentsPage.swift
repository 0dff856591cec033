import BalanceNet
import BalanceSystem
import BalanceService
import BalanceCore
import Hummingbird

/// What a page's form does to what the page shows.
enum PageAction: String, CaseIterable {
    case delete, restore, purge

    var verb: String {
        switch self {
        case .delete: "Deletes"
        case .restore: "Restores"
        case .purge: "Permanently removes"
        }
    }

    var permission: Permission { self == .purge ? .administer : .write }
}

/// The experiments of a folder, and those that are deleted.
struct ExperimentsPage: Sendable {
    let sources: DashboardSources
    let renderer: PageRenderer

    func show(_ request: Request) async throws -> PageRenderer.PageResult {
        let times = TimeDisplay(zone: Preferences(request).zone)
        let folder = try await ExperimentFolder(FormFields(request.uri.query ?? "")["folder"] ?? "", in: sources.log)
        let prefix = folder.path.isEmpty ? 0 : folder.path.count + 1
        let deleted = try await deleted()
        let steps = folder.path.split(separator: "/")
        let content: [String: Any] = [
            "folder": folder.path,
            "crumbs": steps.indices.map { index in
                ["name": String(steps[index]), "link": steps[...index].joined(separator: "/").percentEncoded]
            },
            "folders": folder.folders.map { ["name": $0.name, "link": $0.path.percentEncoded, "count": $0.count] },
            "experiments": folder.experiments.map { experiment -> [String: Any] in
                let time = times.cell(experiment.createdAt.iso8601)
                let name = String(experiment.name.dropFirst(prefix))
                return ["id": experiment.id, "name": name, "time": time.text, "iso": time.iso]
            },
            "has_any": !folder.folders.isEmpty || !folder.experiments.isEmpty,
            "deleted": deleted, "has_deleted": !deleted.isEmpty,
        ]
        return .page(.init(template: "experiments", title: "Experiments · BalanceOps", content: content))
    }

    func act(_ action: PageAction, id text: String, by actor: Actor) async throws -> PageRenderer.PageResult {
        guard let id = Int(text) else {
            throw Failure(
                .invalidParameter,
                "experiment '\(text.prefix(50))' not found",
                hint: "open the list of experiments"
            )
        }
        switch action {
        case .delete: try await sources.log.setStage(.deleted, ofExperiment: id, by: actor, at: .now())
        case .restore: try await sources.log.setStage(.active, ofExperiment: id, by: actor, at: .now())
        case .purge: _ = try await sources.trash.purge(PurgeRequest(experimentIDs: [id]), by: actor)
        }
        return .redirect("/experiments")
    }

    /// The newest deleted experiments, with what their removal would free.
    private func deleted() async throws -> [[String: Any]] {
        var rows: [[String: Any]] = []
        for experiment in try await sources.log.experiments(SearchQuery(view: .deletedOnly, limit: 50)).items {
            let report = try await sources.trash.purge(
                PurgeRequest(experimentIDs: [experiment.id], isDryRun: true),
                by: Actor(name: "dashboard")
            )
            rows.append([
                "id": experiment.id, "name": experiment.name, "files": report.files,
                "size": NumberText.size(report.bytes),
            ])
        }
        return rows
    }
}
