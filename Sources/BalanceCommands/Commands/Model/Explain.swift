import BalanceService
import ArgumentParser
import BalanceCore
import Foundation

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

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The registered model.") var model = defaultModelName
    @Argument(help: "The version to evaluate.") var version: Int?
    @Option(help: "A policy file to use instead of the policy that the model is bound to.") var policy: String?
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load(), creates: false)
        guard let version else { return try await explainCurrent(in: workspace) }
        let policy = try policy.map { try PromotionPolicy(parsing: PolicyFile.text($0)) }
        let decision = try await workspace.promotions.explain(.version(version), of: model, policy: policy)
        try Promote.report(decision.json, of: model, asJSON: json)
    }

    private func explainCurrent(in workspace: Workspace) async throws {
        let story = try await ServingStory(model, workspace.governance, workspace.audit)
        if json { return Output.json(story.json) }
        story.lines.forEach(Output.line)
    }
}

/// What serves, and why: the slot and the line of the trail that made it so.
struct ServingStory {
    let slot: Slot
    let event: AuditEvent?
    /// Where registry and trail disagree.
    let contradiction: String?

    init(_ model: String, _ governance: any Governance, _ audit: any AuditTrail) async throws {
        let slot = try await governance.slot(of: model)
        self.slot = slot
        event = try await audit.cause(of: slot)
        contradiction = slot.contradiction(
            lastMove: try await governance.history(of: model, limit: 1).first,
            cause: event
        )
    }

    var json: JSONValue {
        .object([
            ("slot", slot.json), ("because", event?.json ?? .null), ("contradiction", .optional(contradiction)),
        ])
    }

    var lines: [String] {
        guard let version = slot.version else {
            return ["\(slot.model): no current version (generation \(slot.generation))"]
        }
        let state = slot.problem.map { "is current but cannot be served: \($0)" } ?? "serves"
        var lines = ["\(slot.model): version \(version) \(state), generation \(slot.generation)"]
        if let moved = slot.movedAt { lines.append("  since    \(moved.iso8601)") }
        if let contradiction { lines.append("  WARNING  \(contradiction); balanceops audit verify") }
        if let event {
            let from = event.fromVersion.map { "version \($0)" } ?? "nothing"
            lines.append("  because  \(event.actor) \(event.action) it, replacing \(from): \(event.reason)")
            lines.append("  record   entry \(event.sequence) of the audit trail, \(event.hash.prefix(12))")
            if let decision = event.decision {
                lines.append("  decision \(DecisionTable.headline(decision))")
                lines += DecisionTable.lines(decision)
            }
        } else {
            lines.append("  because  it was current before the audit trail existed")
        }
        let policy =
            slot.policy.map { "'\($0)' (\(slot.policyHash?.prefix(12) ?? ""))" }
            ?? "none; promotions are manual"
        lines.append("  policy   \(policy)")
        if slot.isForced { lines.append("  forced   promoted with --force, past the policy") }
        if let freeze = slot.freeze {
            lines.append("  frozen   by \(freeze.by) since \(freeze.at.iso8601): \(freeze.reason)")
        }
        lines.append("  rollback " + (slot.previous.map { "returns to version \($0)" } ?? "no previous version"))
        return lines
    }
}
