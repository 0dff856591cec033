import BalanceNet
import BalanceService
import BalanceCore
import Hummingbird

/// The registered models, and one of them: what serves, since when, by whose decision, and how it came to be so.
struct ModelsPage: Sendable {
    let sources: DashboardSources
    let renderer: PageRenderer

    private static let shownVersions = 50
    private static let shownModels = 200
    private static let shownEvents = 30

    func list(_ request: Request) async throws -> PageRenderer.PageResult {
        let preferences = Preferences(request)
        let times = TimeDisplay(zone: preferences.zone)
        var rows: [[String: Any]] = []
        let after = FormFields(request.uri.query ?? "")["after"]
        let page = try await sources.models.searchModels(SearchQuery(limit: Self.shownModels, after: after))
        for model in page.items {
            let slot = try await sources.governance.slot(of: model.name)
            rows.append(
                ["name": model.name, "link": model.name.percentEncoded].merging(Self.state(slot, times)) { $1 }
                    .withoutEmptyTexts
            )
        }
        let content: [String: Any] = [
            "models": rows, "has_models": !rows.isEmpty, "next": page.next?.percentEncoded ?? "",
        ]
        return .page(.init(template: "models", title: "Models · BalanceOps", content: content))
    }

    func show(_ request: Request, name: String) async throws -> PageRenderer.PageResult {
        let preferences = Preferences(request)
        let times = TimeDisplay(zone: preferences.zone)
        let texts = preferences.language.texts
        let model = try await sources.models.model(name)
        let slot = try await sources.governance.slot(of: name)
        var content: [String: Any] = [
            "name": name, "link": name.percentEncoded,
            "description_html": model.description.map { Markdown.html(String($0.prefix(100_000))) { _ in nil } } ?? "",
        ]
        content.merge(Self.state(slot, times)) { $1 }
        if let cause = try await sources.audit.cause(of: slot) {
            content.merge(Self.cause(cause, texts, times)) { $1 }
            content["has_cause"] = true
        }
        let events = try await sources.audit.auditEvents(subject: name, before: nil, limit: Self.shownEvents)
        content["events"] = events.map { EventSentence.content($0, texts, times) }
        content["has_events"] = !events.isEmpty
        content["versions"] = try await versions(of: name, slot, events, texts, times)
        return .page(.init(template: "model", title: "\(name) · BalanceOps", content: content))
    }

    func act(_ request: Request, _ context: AppContext, freezes: Bool) async throws -> PageRenderer.PageResult {
        let name = try context.text("name")
        let asked = try await PageForm(request, context).request()
        _ =
            try await freezes
            ? sources.governance.freeze(name, by: asked) : sources.governance.unfreeze(name, by: asked)
        return .redirect("/models/\(name.percentEncoded)")
    }

    /// What is governed, as templates name it.
    static func state(_ slot: Slot, _ times: TimeDisplay) -> [String: Any] {
        let moved = slot.movedAt.map { times.cell($0.iso8601) }
        return [
            "serving": slot.version.map(String.init) ?? "", "serving_problem": slot.problem ?? "",
            "generation": slot.generation,
            "since": moved?.text ?? "", "since_iso": moved?.iso ?? "", "policy": slot.policy ?? "",
            "policy_hash": String((slot.policyHash ?? "").prefix(12)), "full_policy_hash": slot.policyHash ?? "",
            "is_frozen": slot.freeze != nil,
            "frozen_by": slot.freeze?.by ?? "", "frozen_reason": slot.freeze?.reason ?? "",
            "is_forced": slot.isForced, "previous": slot.previous.map(String.init) ?? "",
        ]
    }

    private static func cause(_ event: AuditEvent, _ texts: [String: String], _ times: TimeDisplay) -> [String: Any] {
        var content = EventSentence.content(event, texts, times).reduce(into: [String: Any]()) { found, entry in
            found["cause_\(entry.key)"] = entry.value
        }
        if let decision = event.decision {
            content.merge(RuleTable.content(decision, texts, action: event.action)) { $1 }
        }
        return content
    }

    private func versions(
        of name: String,
        _ slot: Slot,
        _ events: [AuditEvent],
        _ texts: [String: String],
        _ times: TimeDisplay
    ) async throws -> [[String: Any]] {
        let found = try await sources.models.versions(of: name, limit: Self.shownVersions, newestFirst: true)
        var rows: [[String: Any]] = []
        for version in found {
            let judged = events.first { $0.toVersion == version.version && $0.decisionJSON != nil }
            let outcome = RuleTable.outcome(judged?.decision?["decision"]?.string ?? "", action: judged?.action)
            let time = times.cell(version.createdAt.iso8601)
            let row: [String: Any] = [
                "version": version.version, "time": time.text, "iso": time.iso, "format": version.format ?? "–",
                "is_current": version.version == slot.version, "is_previous": version.version == slot.previous,
                "problem": version.problem ?? "", "quarantine": version.quarantine ?? "",
                "verdict": texts["outcome_\(outcome)"] ?? texts[outcome] ?? "", "verdict_class": outcome,
                "run": version.runID?.native ?? "", "run_link": version.runID?.native.percentEncoded ?? "",
                "metrics": version.metrics.prefix(5).map {
                    ["key": $0.key, "value": NumberText.metric($0.value)]
                },
            ]
            rows.append(row.withoutEmptyTexts)
        }
        return rows
    }
}
