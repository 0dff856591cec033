import BalanceCore
import Foundation

/// A decision in the forms that pipelines read.
struct GateReport {
    let decision: JSONValue
    let run: String

    private var rules: [JSONValue] { decision["rules"]?.elements ?? [] }

    private func text(_ rule: JSONValue, _ name: String) -> String { rule[name]?.string ?? "" }

    /// JUnit's XML: a test case for each rule.
    var junit: String {
        func count(_ results: [String]) -> Int { rules.filter { results.contains(text($0, "result")) }.count }
        var lines = [
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<testsuite name=\"balanceops gate\" tests=\"\(rules.count)\" failures=\"\(count(["fail"]))\" "
                + "errors=\"\(count(["error", "inconclusive"]))\" skipped=\"\(count(["skipped"]))\">",
        ]
        for rule in rules {
            let name =
                "  <testcase classname=\"\(Self.xml(text(decision, "policy")))\" name=\"\(Self.xml(text(rule, "id")))\""
            let reason = Self.xml(text(rule, "reason"))
            switch text(rule, "result") {
            case "pass": lines.append("\(name)/>")
            case "skipped": lines.append("\(name)><skipped message=\"\(reason)\"/></testcase>")
            case "fail": lines.append("\(name)><failure message=\"\(reason)\"/></testcase>")
            default: lines.append("\(name)><error message=\"\(reason)\"/></testcase>")
            }
        }
        return (lines + ["</testsuite>", ""]).joined(separator: "\n")
    }

    /// A table for a summary page.
    var markdown: String {
        let marks = ["pass": "✅ pass", "fail": "❌ fail", "skipped": "➖ skipped", "error": "⚠️ error"]
        var lines = [
            "### Gate: \(text(decision, "decision"))", "",
            "Run `\(Self.cell(run))`, policy `\(Self.cell(text(decision, "policy")))`: \(Self.cell(text(decision, "reason")))",
            "",
            "| rule | current | candidate | verdict | |", "| --- | ---: | ---: | --- | --- |",
        ]
        for rule in rules {
            let cells = [
                "`\(Self.cell(text(rule, "id")))`", number(rule, "current"), number(rule, "candidate"),
                marks[text(rule, "result")] ?? "⏸ open", Self.cell(text(rule, "reason")),
            ]
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        for next in decision["next"]?.strings ?? [] { lines.append("\n- \(Self.cell(next))") }
        return lines.joined(separator: "\n") + "\n\n"
    }

    private func number(_ rule: JSONValue, _ name: String) -> String {
        rule[name]?.anyNumber.map { String(format: "%.6g", $0) } ?? ""
    }

    /// A text that cannot end a table's cell or open markup.
    private static func cell(_ text: String) -> String {
        replacing(text, ["\n": " ", "|": "\\|", "<": "&lt;", "`": "'"])
    }

    private static func xml(_ text: String) -> String {
        replacing(text, ["&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;"])
    }

    /// By code points, because a sign that a combining mark follows is another character to Swift; without those that XML
    /// does not know.
    private static func replacing(_ text: String, _ names: [Unicode.Scalar: String]) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isKnown = scalar.value >= 0x20 && scalar.value != 0xFFFE && scalar.value != 0xFFFF || scalar == "\n"
            if isKnown { result.append(contentsOf: (names[scalar] ?? String(scalar)).unicodeScalars) }
        }
        return String(result)
    }
}
