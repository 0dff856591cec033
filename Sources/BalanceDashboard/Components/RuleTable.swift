import BalanceCore
import Foundation

/// A decision as the template `rules` names it, live or as it was recorded.
enum RuleTable {
    /// A decision's outcome and rules; `action` is that of the line which recorded it.
    static func content(
        _ decision: JSONValue,
        _ texts: [String: String],
        action: String? = nil
    ) -> [String: Any] {
        let rules = decision["rules"]?.elements ?? []
        let outcome = outcome(decision["decision"]?.string ?? "", action: action)
        return [
            "outcome": texts["outcome_\(outcome)"] ?? texts[outcome] ?? outcome, "outcome_class": outcome,
            "outcome_reason": decision["reason"]?.string ?? "", "outcome_policy": decision["policy"]?.string ?? "",
            "outcome_hash": String((decision["policy_hash"]?.string ?? "").prefix(12)),
            "decision_hash": decision["decision_hash"]?.string ?? "",
            "rules": rules.map { rule($0, texts) }, "has_rules": !rules.isEmpty,
            "warnings": (decision["warnings"]?.strings ?? []).map { ["text": $0] },
        ]
    }

    /// What became of a candidate: one that was forced was let past the policy, which did not say promote.
    static func outcome(_ decision: String, action: String?) -> String { action == "forced" ? "forced" : decision }

    private static func rule(_ rule: JSONValue, _ texts: [String: String]) -> [String: Any] {
        let result = rule["result"]?.string ?? ""
        let bounds = rule["ci"]?.elements?.compactMap(\.anyNumber) ?? []
        let content: [String: Any] = [
            "id": rule["id"]?.string ?? "", "verdict": texts["verdict_\(result)"] ?? result, "verdict_class": result,
            "current": number(rule["current"]), "candidate": number(rule["candidate"]),
            "delta": number(rule["delta"], signed: true), "threshold": number(rule["threshold"]),
            "n": rule["n"]?.integer.map(String.init) ?? "",
            "ci": bounds.count == 2 ? String(format: "%+.4f … %+.4f", bounds[0], bounds[1]) : "",
            "chance": rule["chance"]?.anyNumber.map { String(format: "%.3g", $0) } ?? "",
            "reason": rule["reason"]?.string ?? "", "next": rule["next"]?.string ?? "",
        ]
        return content.withoutEmptyTexts
    }

    private static func number(_ value: JSONValue?, signed: Bool = false) -> String {
        guard let number = value?.anyNumber else { return "" }
        return (signed && number > 0 ? "+" : "") + NumberText.metric(number)
    }
}
