import BalanceCore
import Foundation

/// A decision as text for a terminal.
enum DecisionTable {
    private static let marks: [String: String] = [
        "pass": Terminal.paint("pass", .green), "fail": Terminal.paint("FAIL", .red),
        "inconclusive": Terminal.paint("open", .yellow), "skipped": "skip", "error": Terminal.paint("ERROR", .red),
    ]

    /// The lines of a decision, as it was made or as it was recorded.
    static func lines(_ decision: JSONValue) -> [String] {
        let rules = decision["rules"]?.elements ?? []
        let rows = rules.map { rule -> [String] in
            [
                marks[rule["result"]?.string ?? ""] ?? "?", rule["id"]?.string ?? "", Plain.number(rule["current"]),
                Plain.number(rule["candidate"]), Plain.shortened(rule["reason"]?.string ?? ""),
            ]
        }
        let header = ["", "rule", "current", "candidate", ""]
        var lines = TextTable.lines([header] + rows, width: nil).map { "  " + $0 }
        for rule in rules {
            guard let next = rule["next"]?.string else { continue }
            lines.append("  next, \(rule["id"]?.string ?? ""): \(Plain.shortened(next))")
        }
        if rules.contains(where: { $0["next"]?.string?.hasPrefix("evaluate ") == true }) {
            let model = decision["slot"]?["model"]?.string ?? "MODEL"
            let version = decision["slot"]?["current"]?.integer.map(String.init) ?? "VERSION"
            lines.append("  try: balanceops evaluate \(model) \(version) --dataset-spec SPEC (or --csv-path FILE)")
        }
        for warning in decision["warnings"]?.strings ?? [] { lines.append("  note: \(warning)") }
        return rows.isEmpty ? Array(lines.dropFirst()) : lines
    }

    /// What was decided, in one line.
    static func headline(_ decision: JSONValue) -> String {
        let outcome = decision["decision"]?.string ?? "?"
        let policy = decision["policy"]?.string ?? "none"
        let hash = decision["policy_hash"]?.string.map { " (\($0.prefix(12)))" } ?? ""
        return "\(outcome) by policy '\(policy)'\(hash): \(Plain.shortened(decision["reason"]?.string ?? ""))"
    }
}
