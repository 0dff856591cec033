import ArgumentParser
import BalanceCore

/// `balanceops models list`.
struct ModelsList: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the registered models, or the versions of one."
    )
    static let examples = ["balanceops models list", "balanceops models list credit"]

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The model to list versions of.") var model: String?
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load(), creates: false)
        guard let model else { return try await listModels(workspace) }
        let slot = try await workspace.governance.slot(of: model)
        let versions = try await workspace.models.versions(of: model, limit: 10_000, newestFirst: true)
        if json {
            return Output.json(
                .array(
                    versions.map { version in
                        .object([
                            ("version", .int(version.version)), ("current", .bool(version.version == slot.version)),
                            ("format", .optional(version.format)), ("servable", .bool(version.problem == nil)),
                            ("problem", .optional(version.problem)), ("metrics", version.metrics.json),
                            ("created_at", .string(version.createdAt.iso8601)),
                        ])
                    }
                )
            )
        }
        let rows = versions.map { version in
            [
                "v\(version.version)", version.version == slot.version ? "current" : "", version.format ?? "-",
                version.createdAt.iso8601, version.problem ?? Output.dict(version.metrics),
            ]
        }
        DecisionTable.table(rows).forEach(Output.line)
    }

    private func listModels(_ workspace: Workspace) async throws {
        let models = try await workspace.models.searchModels(SearchQuery(limit: 10_000)).items
        var rows: [[String]] = []
        var documents: [JSONValue] = []
        for model in models {
            let slot = try await workspace.governance.slot(of: model.name)
            documents.append(slot.json)
            rows.append([
                model.name,
                slot.version.map { "v\($0) \(slot.problem == nil ? "serves" : "cannot be served")" }
                    ?? "no current version", slot.policy ?? "no policy",
                slot.freeze == nil ? "" : "frozen",
            ])
        }
        if json { return Output.json(.array(documents)) }
        DecisionTable.table(rows).forEach(Output.line)
        if rows.isEmpty {
            Output.note("no registered models; balanceops models import FILE --name NAME registers one")
        }
    }
}

/// `balanceops models refresh`.
struct ModelsRefresh: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh",
        abstract: "Re-records the metrics and artifacts that a version is evaluated on.",
        discussion: """
            A policy uses the values that were recorded when the version was created. After an evaluation on new data,
            this command records the latest values of the run and the logged model, and adds an audit trail entry.
            """
    )
    static let examples = ["balanceops models refresh credit 6 --reason \"evaluated on the new hold-out\""]

    @OptionGroup var options: SettingsOptions
    @OptionGroup var actorOptions: ActorOptions
    @OptionGroup var place: VersionArguments
    @Option(help: "Why.") var reason: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load(), creates: false)
        let facts = try await workspace.governance.refreshSnapshot(
            place.version,
            of: place.model,
            by: actorOptions.request(in: workspace, reason: reason)
        )
        if json { return Output.json(facts.json) }
        Output.ok("version \(place.version) of \(place.model) is evaluated on \(Output.dict(facts.metrics))")
    }
}
