import ArgumentParser
import BalanceCore
import Foundation

/// `balanceops rollback`.
struct Rollback: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Rolls back to the previous version, or to the given version.",
        discussion: """
            Prints the source and target versions and the target's history before anything changes. A rollback does not
            need the policy's approval; the policy's decision is printed and recorded. --yes is required without a
            terminal.
            """
    )
    static let examples = [
        "balanceops rollback credit --reason \"complaints from branch 7\"",
        "balanceops rollback credit --to 5 --reason \"known good\" --yes",
    ]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "The registered model.") var model: String
    @Option(help: "The version to roll back to; defaults to the previous version.") var to: Int?
    @Option(help: "Why.") var reason: String?
    @Flag(help: "Do not ask for confirmation.") var yes = false
    @Flag(help: "Print the plan, and change nothing.") var dryRun = false
    @Option(help: "Fail if the model is at a different generation.") var expectGeneration: Int?
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        if reason == nil, !dryRun { throw ValidationError("Pass --reason WHY.") }
    }

    func run() async throws {
        let api = try await place.api(as: actorOptions)
        try await api.requireModel(model)
        let path = "/models/\(model.percentEncoded)/rollback"
        let asked = [("dry_run", JSONValue.bool(true))] + (to.map { [("to", .int($0))] } ?? [])
        let plan = try await api.value("POST", path, body: .object(asked))
        if !json { Self.lines(plan, of: model).forEach(Output.line) }
        if dryRun {
            if json { Output.json(plan) }
            return
        }
        try confirm()
        // What was shown is what is done: a move in between refuses.
        let generation = expectGeneration ?? plan["slot"]?["generation"]?.integer ?? 0
        let target = plan["to_version"]?.integer ?? 0
        let body = JSONValue.object([
            ("to", .int(target)), ("reason", .string(reason ?? "")), ("expected_generation", .int(generation)),
        ])
        let result = try await api.value("POST", path, body: body)
        if json { return Output.json(result) }
        Output.ok("\(model): version \(target) serves, generation \(result["generation"]?.integer ?? 0)")
    }

    private func confirm() throws {
        if yes { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw ValidationError("No terminal for confirmation: add --yes to proceed, or --dry-run to print the plan.")
        }
        Output.note("Roll back? [y/N]")
        guard ["y", "yes"].contains((readLine() ?? "").lowercased()) else {
            Output.note("nothing changed")
            throw ExitCode(1)
        }
    }

    private static func lines(_ plan: JSONValue, of model: String) -> [String] {
        let from = plan["from_version"]?.integer.map { "version \($0)" } ?? "nothing"
        var lines = ["\(model): \(from) -> version \(plan["to_version"]?.integer ?? 0)"]
        if let by = plan["served_by"]?.string {
            lines.append("  served from \(Plain.time(plan["served_since"])), promoted by \(by)")
        } else {
            lines.append("  never served")
        }
        lines.append("  file     \(plan["digest"]?.string.map { "SHA-256 \($0.prefix(16))" } ?? "unknown")")
        lines.append("  metrics  \(Plain.metrics(plan["metrics"]))")
        lines.append("  advice   \(plan["advice"].map(DecisionTable.headline) ?? "")")
        return lines
    }
}
