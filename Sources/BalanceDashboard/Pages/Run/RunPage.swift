import BalanceNet
import BalanceSystem
import BalanceService
import BalanceCore
import Foundation
import Hummingbird

/// One run: its params, metrics, files and manifest.
struct RunPage: Sendable {
    let sources: DashboardSources
    let renderer: PageRenderer

    private static let tabs = ["overview", "params", "metrics", "artifacts", "manifest"]

    func latest() async throws -> PageRenderer.PageResult {
        guard let run = try await latestRun(sources.tracking, sources.artifacts) else {
            throw Failure(.runNotFound, "No runs found.", hint: "balanceops demo-run")
        }
        return .redirect("/runs/\(run.summary.id.native.percentEncoded)")
    }

    func show(_ request: Request, id text: String) async throws -> PageRenderer.PageResult {
        let run = try await run(text)
        let preferences = Preferences(request)
        let times = TimeDisplay(zone: preferences.zone)
        let asked = FormFields(request.uri.query ?? "")["tab"] ?? ""
        let tab = Self.tabs.contains(asked) ? asked : "overview"
        let summary = run.summary
        let time = times.cell(summary.createdAt)
        var content: [String: Any] = [
            "id": summary.id.native, "link": summary.id.native.percentEncoded, "kind": summary.kind ?? "",
            "name": summary.title, "note": summary.note ?? "", "time": time.text,
            "iso": time.iso, "status": summary.status.rawValue, "commit": summary.git.commit ?? "",
            "branch": summary.git.branch ?? "", "dirty": summary.git.dirty ?? false,
            "tabs": Self.tabs.map { name in
                ["name": name, "label": preferences.language.texts[name] ?? name, "selected": name == tab]
            },
        ]
        for name in Self.tabs { content["is_\(name)"] = name == tab }
        content["params"] = RunView.params(run.params)
        content["metrics"] = summary.metrics.map { ["key": $0.key, "value": $0.value.description] }
        content["groups"] = RunView.groups(run.artifacts, sources.artifacts)
        content["manifest"] = run.manifest?.text(pretty: true) ?? ""
        for name in ["params", "metrics", "groups"] {
            content["has_\(name)"] = (content[name] as? [[String: Any]])?.isEmpty == false
        }
        content["has_manifest"] = run.manifest != nil
        content.merge(try await place(summary.id)) { _, new in new }
        let tracked = try await sources.log.trackedRun(summary.id)
        content["name"] = tracked.name
        content["overview"] = RunOverview(
            tracked,
            versions: tab == "overview" ? try await versions(of: summary.id) : [],
            base: renderer.base,
            preferences.language.texts
        )
        if tab == "artifacts", let path = FormFields(request.uri.query ?? "")["path"], !path.isEmpty {
            content.merge(try await preview(summary.id, path)) { _, new in new }
        }
        let stored =
            tab == "artifacts" ? try await RunFiles(files: sources.files, log: sources.log).all(of: summary.id) : []
        content["stored"] = stored.map { file in
            [
                "path": file.path, "size": NumberText.size(file.size), "file": file.path.percentEncodedPath,
                "query": file.path.percentEncoded,
                "chosen": file.path == FormFields(request.uri.query ?? "")["path"],
            ]
        }
        content["has_stored"] = !stored.isEmpty
        content["has_groups"] = content["has_groups"] as? Bool == true || !stored.isEmpty
        return .page(
            .init(template: "run", title: "\(tracked.name) · BalanceOps", content: content)
        )
    }

    /// The registered versions that were made from a run.
    private func versions(of id: RunID) async throws -> [ModelVersion] {
        let filter = try? SearchFilter.parse("run_id = '\(id.stored)'", dialect: .mlflow)
        guard let filter else { return [] }
        return try await sources.models.searchVersions(SearchQuery(filter: filter, limit: 50)).items
            .filter { Visibility.shows(.model($0.name)) }
    }

    /// A file's beginning, as the page shows it beside the list.
    private func preview(_ id: RunID, _ path: String) async throws -> [String: Any] {
        let key = try await RunFiles(files: sources.files, log: sources.log).key(of: id, path)
        guard let file = try await sources.files.open(key) else { return ["preview_missing": path] }
        let head = try file.read(at: 0, count: min(file.size, ArtifactPreview.headSize))
        let rest = min(file.size, ArtifactPreview.tailSize)
        let tail = head.count < file.size ? try file.read(at: file.size - rest, count: rest) : []
        let preview = ArtifactPreview(name: key.name, head: head, size: file.size, tail: tail)
        let raw = "\(renderer.base)/raw/\(id.native.percentEncoded)/"
        let folder = path.split(separator: "/").dropLast().map { "\($0)/" }.joined()
        var content: [String: Any] = [
            "preview": preview, "preview_path": path, "preview_raw": raw + path.percentEncodedPath,
            "preview_digest": file.digest,
        ]
        if let markdown = preview.markdown {
            content["preview_html"] = Markdown.html(markdown) { "\(raw)\((folder + $0).percentEncodedPath)" }
        }
        return content
    }

    func download(id text: String, index: String) async throws -> PageRenderer.PageResult {
        let run = try await run(text)
        guard let index = Int(index), run.artifacts.indices.contains(index) else {
            throw Failure(.fileNotFound, "This run has no such file.", hint: "open the run's Artifacts tab")
        }
        return .file(try ArtifactDownload.response(run.artifacts[index], sources.artifacts))
    }

    func file(id text: String, path: String) async throws -> PageRenderer.PageResult {
        let id = RunID(native: text.removingPercentEncoding ?? text)
        let key = try await RunFiles(files: sources.files, log: sources.log).key(of: id, path)
        guard let file = try await sources.files.open(key) else {
            throw Failure(.fileNotFound, "This run has no such file.", hint: "open the run's Artifacts tab")
        }
        return .file(ArtifactDownload.response(file, name: key.name))
    }

    func act(_ action: PageAction, id text: String, by actor: Actor) async throws -> PageRenderer.PageResult {
        let id = RunID(native: text.removingPercentEncoding ?? text)
        switch action {
        case .delete: try await sources.log.setStage(.deleted, ofRun: id, by: actor, at: .now())
        case .restore: try await sources.log.setStage(.active, ofRun: id, by: actor, at: .now())
        case .purge:
            _ = try await sources.trash.purge(PurgeRequest(runIDs: [id]), by: actor)
            return .redirect("/")
        }
        return .redirect("/runs/\(id.native.percentEncoded)")
    }

    /// Where the run belongs: its experiment, its parent, the runs nested in it, and whether it is deleted.
    private func place(_ id: RunID) async throws -> [String: Any] {
        let tree = try await sources.log.tree(of: id, limit: 500)
        guard let run = tree.first else { return [:] }
        let nested = RunView.nested(RunTree(tree, root: id))
        let parent = run.tags.first { $0.key == parentRunTag }.map { RunID(native: $0.value).native } ?? ""
        var content: [String: Any] = [
            "experiment": try await sources.log.experiment(run.experimentID)?.name ?? "",
            "experiment_id": run.experimentID, "parent": parent, "nested": nested, "has_nested": !nested.isEmpty,
            "is_deleted": run.stage == .deleted,
        ]
        if run.stage == .deleted {
            let report = try await sources.trash.purge(
                PurgeRequest(runIDs: [id], isDryRun: true),
                by: Actor(name: "dashboard")
            )
            content["purge_files"] = report.files
            content["purge_size"] = NumberText.size(report.bytes)
            content["kept"] = report.kept.first?.reason ?? ""
        }
        return content
    }

    private func run(_ text: String) async throws -> RunDetail {
        let id = RunID(native: text.removingPercentEncoding ?? text)
        guard var run = try await sources.tracking.run(id) else {
            throw Failure(.runNotFound, "Run not found: \(text.prefix(100))", hint: "open the list of all runs")
        }
        run.manifest = sources.artifacts.pointer(of: id)
        return run
    }
}
