import BalanceNet
import BalanceService
import BalanceCore
import Hummingbird

/// The audit trail: who did what, when and why; and one line with all that its decision was made from.
struct AuditPage: Sendable {
    let sources: DashboardSources
    let renderer: PageRenderer

    private static let pageSize = 100

    func list(_ request: Request) async throws -> PageRenderer.PageResult {
        let preferences = Preferences(request)
        let query = FormFields(request.uri.query ?? "")
        let subject = query["subject"].flatMap { $0.isEmpty ? nil : $0 }
        let events = try await sources.audit.auditEvents(
            subject: subject,
            before: query["before"].flatMap { Int($0) },
            limit: Self.pageSize
        )
        let times = TimeDisplay(zone: preferences.zone)
        let next = events.count == Self.pageSize ? events.last?.sequence : nil
        let content: [String: Any] = [
            "events": events.map { EventSentence.content($0, preferences.language.texts, times) },
            "has_events": !events.isEmpty, "subject": subject ?? "", "subject_link": subject?.percentEncoded ?? "",
            "next_page": next.map(String.init) ?? "",
        ]
        return .page(.init(template: "audit", title: "Audit · BalanceOps", content: content))
    }

    func show(_ request: Request, line text: String) async throws -> PageRenderer.PageResult {
        guard let sequence = Int(text), let event = try await sources.audit.auditEvent(sequence) else {
            throw Failure(
                .resourceNotFound,
                "The audit trail has no entry \(text.prefix(50)).",
                hint: "open the audit trail"
            )
        }
        let preferences = Preferences(request)
        let texts = preferences.language.texts
        var content = EventSentence.content(event, texts, TimeDisplay(zone: preferences.zone))
        content["full_hash"] = event.hash
        content["previous_hash"] = event.previousHash
        content["request"] = event.requestID ?? ""
        content["is_signed"] = event.signature != nil
        if let decision = event.decision {
            content.merge(RuleTable.content(decision, texts, action: event.action)) { $1 }
            content["has_decision"] = true
            content["document"] = decision.text(pretty: true)
        }
        if let replay = try? await AuditReplay(event, sources.governance) {
            content["is_same"] = replay.isSame
            content["has_replay"] = true
        }
        return .page(.init(template: "auditline", title: "Audit \(sequence) · BalanceOps", content: content))
    }
}
