import BalanceCore
import Foundation

/// A decision as text for a terminal.
enum DecisionTable {
    private static let marks: [String: String] = [
        "pass": "pass", "fail": "FAIL", "inconclusive": "open", "skipped": "skip", "error": "ERROR",
    ]

    /// The lines of a decision, as it was made or as it was recorded.
    static func lines(_ decision: JSONValue) -> [String] {
        let rules = decision["rules"]?.elements ?? []
        let rows = rules.map { rule -> [String] in
            [
                marks[rule["result"]?.string ?? ""] ?? "?", rule["id"]?.string ?? "", number(rule["current"]),
                number(rule["candidate"]), rule["reason"]?.string ?? "",
            ]
        }
        var lines = table([["", "rule", "current", "candidate", ""]] + rows).map { "  " + $0 }
        for rule in rules {
            guard let next = rule["next"]?.string else { continue }
            lines.append("  next, \(rule["id"]?.string ?? ""): \(next)")
        }
        for warning in decision["warnings"]?.strings ?? [] { lines.append("  note: \(warning)") }
        return rows.isEmpty ? Array(lines.dropFirst()) : lines
    }

    /// What was decided, in one line.
    static func headline(_ decision: JSONValue) -> String {
        let outcome = decision["decision"]?.string ?? "?"
        let policy = decision["policy"]?.string ?? "none"
        let hash = decision["policy_hash"]?.string.map { " (\($0.prefix(12)))" } ?? ""
        return "\(outcome) by policy '\(policy)'\(hash): \(decision["reason"]?.string ?? "")"
    }

    static func table(_ rows: [[String]]) -> [String] {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { index, cell in
                index == row.count - 1 ? cell : cell.padding(toLength: widths[index], withPad: " ", startingAt: 0)
            }
            return cells.joined(separator: "  ").trimmingSuffix()
        }
    }

    private static func number(_ value: JSONValue?) -> String {
        guard let number = value?.anyNumber else { return "" }
        return number.isFinite ? String(format: "%.6g", number) : "\(number)"
    }
}

extension String {
    fileprivate func trimmingSuffix() -> String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
