import BalanceCore
import BalanceNet
import Hummingbird

/// The overview: current model, server, settings, runs and the trend of their metrics.
struct RunsPage: Sendable {
    let sources: DashboardSources
    let renderer: PageRenderer

    func show(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        let preferences = Preferences(request)
        let times = TimeDisplay(zone: preferences.zone)
        let texts = preferences.language.texts
        let filter = RunsFilter(request)
        async let server = sources.server()
        var search = filter.runs
        var problem: String?
        do {
            search.query.filter = try SearchFilter.parse(filter.condition, dialect: .extended)
        } catch {
            problem = error.failure(in: filter.condition).message
        }
        var page = Page<RunSummary>(items: [])
        var total = 0
        do {
            page = try await sources.tracking.runs(search, offset: 0)
            total = try await sources.tracking.count(search)
        } catch let error as FilterError {
            problem = error.failure(in: filter.condition).message
        }
        let kinds = try await sources.tracking.kinds()
        let model =
            try await Visibility.shows(.model(defaultModelName))
            ? sources.registry.currentModel(named: defaultModelName) : nil
        let events =
            try await !Visibility.isLimited
            ? sources.audit.auditEvents(subject: nil, before: nil, limit: 4) : []
        var content = RunsView.filter(filter, kinds: kinds, texts)
        content.merge(RunsView.model(model, times)) { _, new in new }
        content.merge(RunsView.server(await server)) { _, new in new }
        content.merge(RunsView.rows(page.items, filter, times)) { _, new in new }
        content.merge(RunsView.trend(page.items, filter, times)) { _, new in new }
        content["where_error"] = problem ?? ""
        content["total"] = total
        content["next"] = page.next.map { filter.link(after: $0) } ?? ""
        content["first"] = filter.link(after: nil)
        content["is_later_page"] = filter.after != nil
        content["is_paged"] = page.next != nil || filter.after != nil
        if let id = filter.experimentID {
            let name = try await sources.log.experiment(id)?.name ?? ""
            if Visibility.shows(.experiment(name)) { content["experiment_name"] = name }
        }
        content.merge(try await attention(texts)) { _, new in new }
        content["events"] = events.map { EventSentence.content($0, texts, times) }
        // They name folders of the machine.
        let shown = context.principal.everywhere.contains(.administer) ? sources.settings : []
        content["has_settings"] = !shown.isEmpty
        content["settings"] = shown.map { ["name": $0.name, "value": $0.value, "origin": $0.origin] }
        return .page(.init(template: "runs", title: "BalanceOps", content: content))
    }

    /// What somebody may want to look at: runs that go on, and the newest that failed.
    private func attention(_ texts: [String: String]) async throws -> [String: Any] {
        var content: [String: Any] = [:]
        for (name, status) in [("running", RunStatus.running), ("failed", .failed)] {
            let filter = try SearchFilter.parse("attributes.status = '\(status.rawValue)'", dialect: .mlflow)
            let search = RunSearch(experimentIDs: nil, query: SearchQuery(filter: filter, limit: 4), isLight: true)
            let found = try await sources.log.search(search).items
            content["\(name)_runs"] = found.map { ["name": $0.name, "link": $0.id.native.percentEncoded] }
            content["has_\(name)"] = !found.isEmpty
        }
        return content
    }
}
