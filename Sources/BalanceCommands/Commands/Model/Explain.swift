import ArgumentParser
import BalanceCore

/// `balanceops explain`.
struct Explain: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Explains why a version is current, or what a policy decides for another version.",
        discussion: """
            Without a version: the current version, when and by whom it was promoted, and every rule result of that
            time. With a version: what the policy would decide now; nothing is changed.
            Exit status with a version: 0 promote, 3 reject, 6 hold.
            """
    )
    static let examples = ["balanceops explain credit", "balanceops explain credit 8 --policy strict.yaml"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Argument(help: "The registered model.") var model = defaultModelName
    @Argument(help: "The version to evaluate.") var version: Int?
    @Option(help: "A policy file to use instead of the policy that the model is bound to.") var policy: String?
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let api = try await place.reading()
        try await api.requireModel(model)
        let path = "/models/\(model.percentEncoded)"
        guard let version else {
            let story = try await api.value("GET", "\(path)/explanation")
            if json { return Output.json(story) }
            return ServingText.lines(story).forEach(Output.line)
        }
        var body = [("version", JSONValue.int(version))]
        if let policy { body.append(("policy", .string(try PolicyFile.text(policy)))) }
        let decision = try await api.value("POST", "\(path)/decisions", body: .object(body))
        try Promote.report(decision, of: model, asJSON: json)
    }
}

/// What serves and why, as text.
enum ServingText {
    static func lines(_ story: JSONValue) -> [String] {
        let slot = story["slot"] ?? .null
        let (model, generation) = (slot["model"]?.string ?? "", slot["generation"]?.integer ?? 0)
        guard let version = slot["current"]?.integer else {
            return ["\(model): no current version (generation \(generation))"]
        }
        let state = slot["problem"]?.string.map { "is current but cannot be served: \($0)" } ?? "serves"
        var lines = ["\(model): version \(version) \(state), generation \(generation)"]
        if slot["moved_at"]?.string != nil { lines.append("  since    \(Plain.time(slot["moved_at"]))") }
        if let contradiction = story["contradiction"]?.string {
            lines.append("  WARNING  \(contradiction); balanceops audit verify")
        }
        lines += cause(story["because"])
        let hash = slot["policy_hash"]?.string?.prefix(12) ?? ""
        lines.append(
            "  policy   " + (slot["policy"]?.string.map { "'\($0)' (\(hash))" } ?? "none; promotions are manual")
        )
        if slot["forced"]?.boolean == true { lines.append("  forced   promoted with --force, past the policy") }
        if slot["frozen"]?.boolean == true {
            lines.append("  frozen   by \(slot["frozen_by"]?.string ?? ""): \(slot["frozen_reason"]?.string ?? "")")
        }
        let previous = slot["previous"]?.integer
        lines.append("  rollback " + (previous.map { "returns to version \($0)" } ?? "no previous version"))
        return lines
    }

    private static func cause(_ entry: JSONValue?) -> [String] {
        guard let entry, let sequence = entry["seq"]?.integer else {
            return ["  because  it was current before the audit trail existed"]
        }
        let from = entry["from_version"]?.integer.map { "version \($0)" } ?? "nothing"
        let (actor, action) = (entry["actor"]?.string ?? "", entry["action"]?.string ?? "")
        var lines = [
            "  because  \(action) by \(actor), replacing \(from): \(Plain.shortened(entry["reason"]?.string ?? ""))",
            "  record   entry \(sequence) of the audit trail, \(entry["hash"]?.string?.prefix(12) ?? "")",
        ]
        if let decision = entry["decision"], decision["decision"] != nil {
            lines.append("  decision \(DecisionTable.headline(decision))")
            lines += DecisionTable.lines(decision)
        }
        return lines
    }
}
