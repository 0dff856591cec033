import ArgumentParser
import BalanceCore

/// `balanceops experiments`.
struct Experiments: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "experiments",
        abstract: "Lists, creates, renames, deletes and restores experiments.",
        subcommands: [
            ExperimentsList.self, ExperimentsCreate.self, ExperimentsRename.self, ExperimentsDelete.self,
            ExperimentsRestore.self,
        ]
    )
    static let examples = ExperimentsList.examples + ExperimentsCreate.examples

    static let base = "/api/2.0/mlflow/experiments"

    /// The ID of an experiment that is named by its name or its ID.
    static func id(of text: String, at api: any API) async throws -> String {
        let named = try await api.send(APIRequest("GET", "\(base)/get-by-name?experiment_name=\(text.percentEncoded)"))
        if let id = named.json?["experiment"]?["experiment_id"]?.string { return id }
        if Int(text) != nil {
            let numbered = try await api.send(APIRequest("GET", "\(base)/get?experiment_id=\(text)"))
            if numbered.isSuccess { return text }
        }
        if let failure = named.failure, failure.code != .resourceNotFound { throw failure }
        let names = try await experiments(at: api).compactMap { $0["name"]?.string }
        let near = Suggestion.nearest(to: text, of: names).map { "did you mean '\($0)'? " } ?? ""
        throw Failure(
            .resourceNotFound,
            "no experiment '\(text)'",
            hint: "\(near)balanceops experiments list lists the experiments"
        )
    }

    /// The IDs of all experiments.
    static func all(at api: any API) async throws -> [String] {
        try await experiments(at: api).compactMap { $0["experiment_id"]?.string }
    }

    static func experiments(
        at api: any API,
        view: JSONValue = "ACTIVE_ONLY",
        filter: String? = nil,
        limit: Int = 100_000
    ) async throws -> [JSONValue] {
        let fields = [("view_type", view)] + (filter.map { [("filter", .string($0))] } ?? [])
        return try await api.pages("\(base)/search", "experiments", fields, limit: limit)
    }
}

/// `balanceops experiments list`.
struct ExperimentsList: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists experiments, newest first."
    )
    static let examples = [
        "balanceops experiments list", "balanceops experiments list --filter \"name LIKE 'team-a/%'\"",
    ]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Option(help: "A filter of MLflow's search_experiments.") var filter: String?
    @Option(help: "The maximum number of experiments.") var limit = 100
    @Flag(help: "List deleted experiments.") var deleted = false
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        if !(1...50_000).contains(limit) { throw ValidationError("--limit must be between 1 and 50000.") }
    }

    func run() async throws {
        let found = try await Experiments.experiments(
            at: place.reading(),
            view: deleted ? "DELETED_ONLY" : "ACTIVE_ONLY",
            filter: filter,
            limit: limit
        )
        if json { return Output.json(.array(found)) }
        let rows = found.map { experiment in
            [
                experiment["experiment_id"]?.string ?? "", Plain.time(milliseconds: experiment["last_update_time"]),
                experiment["name"]?.string ?? "",
            ]
        }
        TextTable.lines([["id", "updated", "name"]] + rows).forEach(Output.line)
    }
}

/// `balanceops experiments create`.
struct ExperimentsCreate: ExemplifiedCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Creates an experiment.")
    static let examples = ["balanceops experiments create team-a/churn"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "The name; a / separates folders.") var name: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let api = try await place.api(as: actorOptions)
        let made = try await api.value("POST", "\(Experiments.base)/create", body: .object([("name", .string(name))]))
        if json { return Output.json(made) }
        Output.ok("created experiment \(made["experiment_id"]?.string ?? ""), \(name)")
    }
}

/// `balanceops experiments rename`.
struct ExperimentsRename: ExemplifiedCommand {
    static let configuration = CommandConfiguration(commandName: "rename", abstract: "Renames an experiment.")
    static let examples = ["balanceops experiments rename churn team-a/churn"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "The experiment: its name or ID.") var experiment: String
    @Argument(help: "The new name.") var name: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let api = try await place.api(as: actorOptions)
        let id = try await Experiments.id(of: experiment, at: api)
        let body = JSONValue.object([("experiment_id", .string(id)), ("new_name", .string(name))])
        _ = try await api.value("POST", "\(Experiments.base)/update", body: body)
        if json { return Output.json(.object([("experiment_id", .string(id)), ("name", .string(name))])) }
        Output.ok("experiment \(id) is named \(name)")
    }
}

/// `balanceops experiments delete`.
struct ExperimentsDelete: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Deletes an experiment and its runs; they can be restored until purge."
    )
    static let examples = ["balanceops experiments delete team-a/churn"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "The experiment: its name or ID.") var experiment: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let api = try await place.api(as: actorOptions)
        let id = try await Experiments.id(of: experiment, at: api)
        _ = try await api.value("DELETE", "/experiments/\(id)")
        if json { return Output.json(.object([("ok", .bool(true)), ("experiment_id", .string(id))])) }
        Output.ok("deleted experiment \(id); balanceops experiments restore \(id) brings it back")
    }
}

/// `balanceops experiments restore`.
struct ExperimentsRestore: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Restores a deleted experiment and its runs."
    )
    static let examples = ["balanceops experiments restore 3"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "The ID of the experiment.") var experiment: Int
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let api = try await place.api(as: actorOptions)
        _ = try await api.value("POST", "/experiments/\(experiment)/restore")
        if json { return Output.json(.object([("ok", .bool(true)), ("experiment_id", .string("\(experiment)"))])) }
        Output.ok("restored experiment \(experiment)")
    }
}
