import BalanceCore
import Hummingbird

/// `experiments/…` of MLflow's API.
struct ExperimentsController {
    let log: any RunLog

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
        try await log.setStage(stage, ofExperiment: Self.id(fields), at: .now())
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
        let page = try SearchPage(fields, limit: limit, maximum: 50_000)
        let found = try await log.experiments(
            page.filter,
            view: page.view,
            order: page.order,
            limit: page.limit,
            offset: page.offset
        )
        return page.answer("experiments", found.map(MLflowJSON.experiment))
    }

    /// The id of an experiment: an integer in a text.
    static func id(_ fields: MLflowFields) throws -> Int {
        try id(fields.required("experiment_id"))
    }

    static func id(_ text: String) throws -> Int {
        guard let id = Int(text), id >= 0, String(id) == text else {
            throw Failure(.invalidParameter, "Invalid experiment id '\(text.prefix(100))': it must be an integer")
        }
        return id
    }
}

/// The fields that all searches share.
struct SearchPage {
    let filter: SearchFilter?
    let order: [SearchFilter.Order]
    let view: ViewType
    let limit: Int
    let offset: Int

    init(_ fields: MLflowFields, limit: Int, maximum: Int, viewField: String = "view_type") throws {
        guard (1...maximum).contains(limit) else { throw fields.invalid("max_results", .int(limit)) }
        let text = try fields.text("filter") ?? ""
        do { filter = try SearchFilter.parse(text, dialect: .mlflow) } catch { throw error.failure(in: text) }
        order = try fields.texts("order_by").map(Self.order)
        let name = try fields.value(viewField)
        let byNumber = name?.integer.flatMap { (1...3).contains($0) ? ViewType.allCases[$0 - 1] : nil }
        view = name?.string.flatMap(ViewType.init) ?? byNumber ?? .activeOnly
        self.limit = limit
        offset = try PageToken.offset(fields.text("page_token"))
    }

    private static func order(_ text: String) throws -> SearchFilter.Order {
        do { return try SearchFilter.parseOrder(text) } catch { throw error.failure(in: text) }
    }

    /// The answer; `found` may hold one more than the limit, which says that there is a next page.
    func answer(_ name: String, _ found: [JSONValue]) -> JSONValue {
        var members: [(String, JSONValue)] = [(name, .array(Array(found.prefix(limit))))]
        if found.count > limit { members.append(("next_page_token", .string(PageToken.text(offset: offset + limit)))) }
        return MLflowJSON.object(members)
    }
}
