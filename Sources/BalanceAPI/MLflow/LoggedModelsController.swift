import BalanceSystem
import BalanceCore
import HTTPTypes
import Foundation

/// `logged-models…` of MLflow's API.
struct LoggedModelsController: Sendable {
    let models: any LoggedModelStore

    var endpoints: [MLflowEndpoint] {
        [
            MLflowEndpoint(.post, "logged-models", "Begins a logged model.") { try await create($0) },
            MLflowEndpoint(.post, "logged-models/search", "Searches logged models.", .read, isList: true) {
                try await search($0)
            },
            MLflowEndpoint(.get, "logged-models/{model_id}", "A logged model.") { fields in
                let allowDeleted = try fields.flag("allow_deleted")
                return Self.answer(try await models.loggedModel(Self.id(fields), allowDeleted: allowDeleted))
            },
            MLflowEndpoint(.patch, "logged-models/{model_id}", "Ends the upload of a logged model.") {
                try await finish($0)
            },
            MLflowEndpoint(.delete, "logged-models/{model_id}", "Deletes a logged model.") {
                try await models.deleteLoggedModel(Self.id($0), at: .now())
                return .object([])
            },
            MLflowEndpoint(.patch, "logged-models/{model_id}/tags", "Sets tags of a logged model.") { fields in
                let tags = try fields.objects("tags").map(MLflowRules.modelPair)
                try await models.setTags(tags, ofLoggedModel: Self.id(fields), at: .now())
                return .object([])
            },
            MLflowEndpoint(.delete, "logged-models/{model_id}/tags/{tag_key}", "Deletes a tag.") { fields in
                try await models.deleteTag(fields.required("tag_key"), ofLoggedModel: Self.id(fields), at: .now())
                return .object([])
            },
            MLflowEndpoint(.post, "logged-models/{model_id}/params", "Adds params to a logged model.") { fields in
                let params = try fields.objects("params").map(MLflowRules.modelPair)
                try await models.addParams(params, toLoggedModel: Self.id(fields), at: .now())
                return .object([])
            },
        ]
    }

    private func create(_ fields: MLflowFields) async throws -> JSONValue {
        let now = Timestamp.now()
        let experiment = try ExperimentsController.id(fields)
        let id = RunID()
        let given = try fields.text("name").flatMap { $0.isEmpty ? nil : $0 }
        if let given { try Self.check(name: given) }
        let model = LoggedModel(
            id: "m-\(id.stored)",
            experimentID: experiment,
            name: given ?? RunName.generated(for: id),
            modelType: try fields.text("model_type"),
            sourceRunID: try fields.text("source_run_id").flatMap { $0.isEmpty ? nil : RunID(native: $0) },
            createdAt: now,
            updatedAt: now,
            params: try fields.objects("params").map(MLflowRules.modelPair),
            tags: try fields.objects("tags").map(MLflowRules.modelPair)
        )
        return Self.answer(try await models.createLoggedModel(model))
    }

    private func finish(_ fields: MLflowFields) async throws -> JSONValue {
        guard let value = try fields.value("status") else { throw fields.missing("status") }
        let status = LoggedModel.Status.allCases.first { $0.name == value.string || $0.rawValue == value.integer }
        guard let status else { throw fields.invalid("status", value) }
        return Self.answer(try await models.setStatus(status, ofLoggedModel: Self.id(fields), at: .now()))
    }

    private func search(_ fields: MLflowFields) async throws -> JSONValue {
        guard try fields.value("experiment_ids") != nil else { throw fields.missing("experiment_ids") }
        let orders = try fields.objects("order_by")
        let datasets = try fields.objects("datasets")
        guard orders.count <= SearchQuery.maximumKeys, datasets.count <= SearchQuery.maximumKeys else {
            throw Failure(
                .invalidParameter,
                "'order_by' and 'datasets' can have at most \(SearchQuery.maximumKeys) entries each"
            )
        }
        let limit = try fields.integer("max_results") ?? 100
        // Its order is a list of objects, which the shared fields do not know.
        let query = try SearchQuery(fields.removing("order_by"), limit: limit, maximum: 50_000)
        let search = LoggedModelSearch(
            experimentIDs: try SearchQuery.experiments(fields),
            filter: query.filter,
            datasets: try datasets.map { dataset in
                DatasetReference(name: try dataset.required("dataset_name"), digest: try Self.digest(dataset))
            },
            order: try orders.map(Self.order),
            limit: limit,
            after: query.after
        )
        return try await models.searchLoggedModels(search).answer("models", MLflowJSON.loggedModel)
    }

    private static func order(_ fields: MLflowFields) throws -> LoggedModelSearch.Order {
        let name = try fields.required("field_name")
        var order = try SearchQuery.order(name)
        order.isAscending = try fields.flag("ascending", default: true)
        let dataset = try fields.text("dataset_name").flatMap { $0.isEmpty ? nil : $0 }
        let digest = try digest(fields)
        let isLimited = dataset != nil || digest != nil
        return .init(order: order, dataset: isLimited ? DatasetReference(name: dataset ?? "", digest: digest) : nil)
    }

    private static func digest(_ fields: MLflowFields) throws -> String? {
        try fields.text("dataset_digest").flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func id(_ fields: MLflowFields) throws -> String { try fields.required("model_id") }

    private static func answer(_ model: LoggedModel) -> JSONValue {
        .object([("model", MLflowJSON.loggedModel(model))])
    }

    private static func check(name: String) throws {
        let isClean = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && !"/:.%\"'".unicodeScalars.contains($0) }
        guard isClean, name.unicodeScalars.count <= MLflowRules.maximumName else {
            throw Failure(
                .invalidParameter,
                "Invalid model name (\(name.prefix(100))) provided. Model name must be a non-empty string and cannot "
                    + "contain the following characters: ('/', ':', '.', '%', '\"', \"'\")"
            )
        }
    }
}
