import BalanceService
import BalanceNet
import BalanceCore
import Hummingbird

/// Going back: from, to, what was true of the target, and one confirmation.
struct RollbackPage: Sendable {
    let sources: DashboardSources
    let renderer: PageRenderer

    func preview(_ request: Request, name: String) async throws -> PageRenderer.PageResult {
        let preferences = Preferences(request)
        let times = TimeDisplay(zone: preferences.zone)
        let target = FormFields(request.uri.query ?? "")["to"].flatMap { Int($0) }
        let plan = try await sources.promotions.planRollback(of: name, to: target)
        let served = plan.served.map { times.cell($0.at.iso8601) }
        var content: [String: Any] = [
            "name": name, "link": name.percentEncoded, "target": plan.target.version,
            "served": served?.text ?? "", "served_iso": served?.iso ?? "", "served_by": plan.served?.actor ?? "",
            "digest": String((plan.target.digest ?? "").prefix(16)),
            "metrics": plan.target.metrics.map { ["key": $0.key, "value": NumberText.metric($0.value)] },
        ]
        content.merge(ModelsPage.state(plan.slot, times)) { $1 }
        content.merge(RuleTable.content(plan.decision.json, preferences.language.texts)) { $1 }
        return .page(.init(template: "rollback", title: "\(name) · BalanceOps", content: content))
    }

    func confirm(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        let name = try context.text("name")
        let form = try await PageForm(request, context)
        guard let target = form.integer("to") else {
            throw Failure(.invalidParameter, "Missing version in the form.", hint: "reload its page")
        }
        _ = try await sources.promotions.rollBack(name, to: target, by: form.move())
        return .redirect("/models/\(name.percentEncoded)")
    }
}
