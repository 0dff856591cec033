import ArgumentParser
import BalanceCore

/// `balanceops models list`.
struct ModelsList: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the registered models, or the versions of one."
    )
    static let examples = ["balanceops models list", "balanceops models list credit"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Argument(help: "The model to list versions of.") var model: String?
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let api = try await place.reading()
        if let model { return try await ModelsVersions.list(model, at: api, asJSON: json) }
        let models = try await api.value("GET", "/models")["items"]?.elements ?? []
        if json { return Output.json(.array(models)) }
        let rows = models.map { model -> [String] in
            let slot = model["slot"] ?? .null
            let state = slot["problem"]?.string == nil ? "serves" : "cannot be served"
            return [
                model["name"]?.string ?? "",
                slot["current"]?.integer.map { "v\($0) \(state)" } ?? "no current version",
                slot["policy"]?.string ?? "no policy", slot["frozen"]?.boolean == true ? "frozen" : "",
            ]
        }
        TextTable.lines(rows).forEach(Output.line)
        if rows.isEmpty {
            Output.note("no registered models; balanceops models import FILE --name NAME registers one")
        }
    }
}

/// `balanceops models versions`.
struct ModelsVersions: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions",
        abstract: "Lists the versions of a model, newest first."
    )
    static let examples = ["balanceops models versions credit"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Argument(help: "The registered model.") var model: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws { try await Self.list(model, at: place.reading(), asJSON: json) }

    static func list(_ model: String, at api: any API, asJSON: Bool) async throws {
        try await api.requireModel(model)
        let answer = try await api.value("GET", "/models/\(model.percentEncoded)")
        let versions = (answer["versions"]?.elements ?? []).sorted {
            $0["version"]?.integer ?? 0 > $1["version"]?.integer ?? 0
        }
        if asJSON { return Output.json(.array(versions)) }
        let aliases = answer["aliases"]?.members ?? []
        let rows = versions.map { version -> [String] in
            let names = aliases.filter { $0.1.integer == version["version"]?.integer }.map(\.0)
            return [
                "v\(version["version"]?.integer ?? 0)", names.joined(separator: ", "), version["format"]?.string ?? "-",
                Plain.time(version["created_at"]), version["problem"]?.string ?? Plain.metrics(version["metrics"]),
            ]
        }
        TextTable.lines(rows).forEach(Output.line)
        if rows.isEmpty { Output.note("\(model) has no versions") }
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

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @OptionGroup var target: VersionArguments
    @Option(help: "Why.") var reason: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let api = try await place.api(as: actorOptions)
        try await api.requireModel(target.model)
        let path = "/models/\(target.model.percentEncoded)/\(target.path("refresh"))"
        let facts = try await api.value("POST", path, body: .object([("reason", .string(reason))]))
        if json { return Output.json(facts) }
        Output.ok("version \(target.version) of \(target.model) is evaluated on \(Plain.metrics(facts["metrics"]))")
    }
}
