import BalanceCore

/// A line of the audit trail as a sentence of a list.
enum EventSentence {
    static func content(_ event: AuditEvent, _ texts: [String: String], _ times: TimeDisplay) -> [String: Any] {
        let time = times.cell(event.at.iso8601)
        let key = "act_" + event.action.replacing(" ", with: "_").replacing("-", with: "_")
        let content: [String: Any] = [
            "seq": event.sequence, "time": time.text, "iso": time.iso, "actor": event.actor,
            "act": texts[key] ?? event.action, "reason": event.reason, "subject": event.subject,
            "subject_link": event.subject.percentEncoded, "change": change(event), "tally": tally(event, texts),
            "is_good": event.kind?.isGood == true, "is_poor": event.kind?.isPoor == true,
            "hash": String(event.hash.prefix(12)),
        ]
        return content.withoutEmptyTexts
    }

    /// `v6 → v7`, or the one version that it is about.
    private static func change(_ event: AuditEvent) -> String {
        let from = event.fromVersion.map { "v\($0)" }, to = event.toVersion.map { "v\($0)" }
        if event.generationBefore != event.generationAfter || event.action == "promoted" {
            return "\(from ?? "–") → \(to ?? "–")"
        }
        return to ?? ""
    }

    /// How many rules passed.
    private static func tally(_ event: AuditEvent, _ texts: [String: String]) -> String {
        let rules = event.decision?["rules"]?.elements ?? []
        guard !rules.isEmpty else { return "" }
        let passed = rules.count { $0["result"]?.string == "pass" }
        return "\(passed)/\(rules.count) \(texts["rules_passed"] ?? "")"
    }
}
