import BalanceSystem
import BalanceCore
import HTTPTypes
import Hummingbird

/// `experiments/…` of MLflow's API.
struct ExperimentsController: Sendable {
    let log: any RunLog

    var endpoints: [MLflowEndpoint] {
        [
            MLflowEndpoint(.post, "experiments/create", "Creates an experiment.") { try await create($0) },
            MLflowEndpoint(.get, "experiments/get", "An experiment by id.") { try await get($0) },
            MLflowEndpoint(.get, "experiments/get-by-name", "An experiment by name.") { try await getByName($0) },
            MLflowEndpoint(.post, "experiments/search", "Searches experiments.", .read, isList: true) {
                try await search($0)
            },
            MLflowEndpoint(.get, "experiments/search", "Searches experiments.", isList: true) { try await search($0) },
            MLflowEndpoint(.post, "experiments/update", "Renames an experiment.") { try await update($0) },
            MLflowEndpoint(.post, "experiments/delete", "Deletes an experiment and its runs.") {
                try await setStage(.deleted, $0)
            },
            MLflowEndpoint(.post, "experiments/restore", "Restores an experiment and its runs.") {
                try await setStage(.active, $0)
            },
            MLflowEndpoint(.post, "experiments/set-experiment-tag", "Sets a tag of an experiment.") {
                try await setTag($0)
            },
            MLflowEndpoint(.post, "experiments/delete-experiment-tag", "Deletes a tag.") { try await deleteTag($0) },
            MLflowEndpoint(
                .post,
                "experiments/search-datasets",
                "The datasets of runs.",
                .read,
                isAjaxOnly: true,
                isList: true
            ) {
                try await datasets($0)
            },
        ]
    }

    func create(_ fields: MLflowFields) async throws -> JSONValue {
        let name = try MLflowRules.experimentName(fields, "name")
        let location = try MLflowRules.location(fields)
        let tags = try fields.objects("tags").map(MLflowRules.experimentTag)
        let id = try await log.createExperiment(name: name, location: location, tags: tags, at: .now())
        return .object([("experiment_id", .string(String(id)))])
    }

    func get(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        guard let experiment = try await log.experiment(id) else {
            throw Failure(.resourceNotFound, "No Experiment with id=\(id) exists")
        }
        return .object([("experiment", MLflowJSON.experiment(experiment))])
    }

    func getByName(_ fields: MLflowFields) async throws -> JSONValue {
        let name = try fields.required("experiment_name")
        guard let experiment = try await log.experiment(named: name) else {
            throw Failure(.resourceNotFound, "Could not find experiment with name '\(name)'")
        }
        return .object([("experiment", MLflowJSON.experiment(experiment))])
    }

    func update(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        try await log.renameExperiment(id, to: MLflowRules.experimentName(fields, "new_name"), at: .now())
        return .object([])
    }

    func setStage(_ stage: LifecycleStage, _ fields: MLflowFields) async throws -> JSONValue {
        try await log.setStage(stage, ofExperiment: Self.id(fields), by: fields.actor, at: .now())
        return .object([])
    }

    func setTag(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        try await log.setTag(MLflowRules.experimentTag(fields), ofExperiment: id)
        return .object([])
    }

    func deleteTag(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        try await log.deleteTag(fields.required("key"), ofExperiment: id)
        return .object([])
    }

    func search(_ fields: MLflowFields) async throws -> JSONValue {
        guard let limit = try fields.integer("max_results") else { throw fields.missing("max_results") }
        let query = try SearchQuery(fields, limit: limit, maximum: 50_000)
        return try await log.experiments(query).answer("experiments", MLflowJSON.experiment)
    }

    private func datasets(_ fields: MLflowFields) async throws -> JSONValue {
        let ids = try fields.texts("experiment_ids").map(Self.id)
        guard (1...20).contains(ids.count) else {
            throw Failure(.invalidParameter, "SearchDatasets request must specify 1 to 20 experiment_ids.")
        }
        let summaries = try await log.datasets(of: ids, limit: 1000).map { summary in
            var members: [(String, JSONValue)] = [
                ("experiment_id", .string(String(summary.experimentID))), ("name", .string(summary.name)),
                ("digest", .string(summary.digest)),
            ]
            if let context = summary.context { members.append(("context", .string(context))) }
            return JSONValue.object(members)
        }
        return MLflowJSON.object([("dataset_summaries", .array(summaries))])
    }

    /// The id of an experiment: an integer in a text.
    static func id(_ fields: MLflowFields) throws -> Int {
        try id(fields.required("experiment_id"))
    }

    static func id(_ text: String) throws -> Int {
        guard let id = Int(plain: text) else {
            throw Failure(
                .invalidParameter,
                "Invalid experiment ID '\(text.prefix(100))'. Experiment ID must be a valid integer."
            )
        }
        return id
    }
}

extension SearchQuery {
    /// Reads the fields that all searches share.
    init(_ fields: MLflowFields, limit: Int, maximum: Int, viewField: String = "view_type") throws {
        guard (1...maximum).contains(limit) else { throw fields.outOfRange("max_results", limit, maximum) }
        let text = try fields.text("filter") ?? ""
        let filter: SearchFilter?
        do { filter = try SearchFilter.parse(text, dialect: .mlflow) } catch { throw error.failure(in: text) }
        let name = try fields.value(viewField)
        let byNumber = name?.integer.flatMap { (1...3).contains($0) ? ViewType.allCases[$0 - 1] : nil }
        let keys = try fields.texts("order_by")
        guard keys.count <= Self.maximumKeys else {
            throw Failure(.invalidParameter, "`order_by` has \(keys.count) keys; the maximum is \(Self.maximumKeys)")
        }
        self.init(
            filter: filter,
            view: name?.string.flatMap(ViewType.init) ?? byNumber ?? .activeOnly,
            order: try keys.map(Self.order),
            limit: limit,
            after: try PageToken.place(fields.text("page_token"))
        )
    }

    /// The most keys that a search is sorted by.
    static var maximumKeys: Int { 64 }

    /// The most experiments that a search names.
    static var maximumExperiments: Int { 20_000 }

    /// The experiments that a search names.
    static func experiments(_ fields: MLflowFields) throws -> [Int] {
        let ids = try fields.texts("experiment_ids")
        guard ids.count <= maximumExperiments else {
            throw Failure(.invalidParameter, "A search can have \(maximumExperiments) experiments; got \(ids.count)")
        }
        return try ids.map(ExperimentsController.id)
    }

    static func order(_ text: String) throws -> SearchFilter.Order {
        do { return try SearchFilter.parseOrder(text) } catch { throw error.failure(in: text) }
    }
}

extension Page {
    /// The answer of a search.
    func answer(_ name: String, _ json: (Element) -> JSONValue) -> JSONValue {
        var members: [(String, JSONValue)] = [(name, .array(items.map(json)))]
        if let next { members.append(("next_page_token", .string(PageToken.text(next)))) }
        return MLflowJSON.object(members)
    }
}
