import BalanceSystem
import BalanceCore
import HTTPTypes
import Hummingbird

/// `runs/…` of MLflow's API.
struct TrackingController: Sendable {
    let log: any RunLog

    var endpoints: [MLflowEndpoint] {
        [
            MLflowEndpoint(.post, "runs/create", "Begins a run.") { try await create($0) },
            MLflowEndpoint(.get, "runs/get", "A run.") { try await get($0) },
            MLflowEndpoint(.post, "runs/update", "Changes a run's status, end or name.") { try await update($0) },
            MLflowEndpoint(.post, "runs/delete", "Deletes a run.") { try await setStage(.deleted, $0) },
            MLflowEndpoint(.post, "runs/restore", "Restores a run.") { try await setStage(.active, $0) },
            MLflowEndpoint(.post, "runs/log-metric", "Logs a metric.") { try await store(.metric, $0) },
            MLflowEndpoint(.post, "runs/log-parameter", "Logs a param.") { try await store(.param, $0) },
            MLflowEndpoint(.post, "runs/set-tag", "Sets a tag of a run.") { try await store(.tag, $0) },
            MLflowEndpoint(.post, "runs/log-batch", "Logs metrics, params and tags, all or none.") {
                try await store(.batch, $0)
            },
            MLflowEndpoint(.post, "runs/delete-tag", "Deletes a tag of a run.") { try await deleteTag($0) },
            MLflowEndpoint(.post, "runs/log-inputs", "Records datasets and models that a run used.") {
                try await logInputs($0)
            },
            MLflowEndpoint(.post, "runs/outputs", "Records logged models that a run produced.") {
                try await logOutputs($0)
            },
            MLflowEndpoint(.post, "runs/log-model", "Records a model as clients before MLflow 3 do.") {
                try await logModel($0)
            },
            MLflowEndpoint(.post, "runs/search", "Searches runs.", .read, isList: true) { try await search($0) },
        ]
    }

    func create(_ fields: MLflowFields) async throws -> JSONValue {
        Self.created(try await log.createRun(Self.start(fields)))
    }

    /// The answer to the beginning of a run.
    static func created(_ run: TrackedRun) -> JSONValue {
        .object([("run", MLflowJSON.run(run, withOutputs: false))])
    }

    /// What a request to begin a run asks for.
    static func start(_ fields: MLflowFields) throws -> RunStart {
        // Nothing is required here, so that no missing field tells of it.
        if fields.isMalformed { throw Failure(.invalidParameter, "Bad Request. The body is not a JSON object.") }
        let experiment = try fields.text("experiment_id").map(ExperimentsController.id) ?? 0
        var tags = try fields.objects("tags").map(MLflowRules.runTag)
        let named = tags.first { $0.key == runNameTag }?.value
        let given = try fields.text("run_name").flatMap { $0.isEmpty ? nil : $0 }
        if let given, let named, given != named {
            throw Failure(
                .invalidParameter,
                "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
                    + "(run_name='\(given)', mlflow.runName='\(named)')."
            )
        }
        guard Set(tags.map { Array($0.key.utf8) }).count == tags.count else {
            throw Failure(.invalidParameter, "Duplicate tag keys have been submitted")
        }
        let id = RunID()
        let name = given ?? named ?? RunName.generated(for: id)
        if named == nil { tags.append(KeyValue(key: runNameTag, value: name)) }
        var start = RunStart(
            id: id,
            experimentID: experiment,
            name: name,
            userID: try fields.text("user_id") ?? "",
            startedAt: Timestamp(milliseconds: try fields.integer("start_time") ?? 0),
            tags: tags
        )
        start.accountID = fields.actor.accountID
        return start
    }

    func get(_ fields: MLflowFields) async throws -> JSONValue {
        Self.got(try await log.trackedRun(Self.id(fields)))
    }

    /// The answer to a question for a run.
    static func got(_ run: TrackedRun) -> JSONValue { .object([("run", MLflowJSON.run(run))]) }

    func update(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        let status = try fields.value("status")
        let byNumber = status?.integer.flatMap { (1...5).contains($0) ? RunStatus.allCases[$0 - 1] : nil }
        let update = RunUpdate(
            status: status?.string.flatMap(RunStatus.init) ?? byNumber,
            endedAt: try fields.integer("end_time").map(Timestamp.init),
            name: try fields.text("run_name").flatMap { $0.isEmpty ? nil : $0 }
        )
        return .object([("run_info", MLflowJSON.info(try await log.updateRun(id, update)))])
    }

    func setStage(_ stage: LifecycleStage, _ fields: MLflowFields) async throws -> JSONValue {
        try await log.setStage(stage, ofRun: Self.id(fields), by: fields.actor, at: .now())
        return .object([])
    }

    /// What is logged by one request.
    enum LogKind {
        case metric, param, tag, batch
    }

    /// What a request to log something asks for.
    static func batch(_ kind: LogKind, _ fields: MLflowFields) throws -> (id: RunID, batch: LogBatch) {
        let id = try id(fields)
        return switch kind {
        case .metric: (id, try MLflowRules.metricBatch([fields], of: id))
        case .param: (id, LogBatch(params: [try MLflowRules.param(fields)]))
        case .tag: (id, LogBatch(tags: [try MLflowRules.runTag(fields)]))
        case .batch: (id, try MLflowRules.batch(fields, of: id))
        }
    }

    private func store(_ kind: LogKind, _ fields: MLflowFields) async throws -> JSONValue {
        let (id, batch) = try Self.batch(kind, fields)
        try await log.log(batch, to: id)
        return .object([])
    }

    func deleteTag(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        try await log.deleteTag(fields.required("key"), ofRun: id)
        return .object([])
    }

    func logInputs(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        let models = try fields.objects("models").map { try $0.required("model_id") }
        let inputs = try fields.objects("datasets").map(MLflowRules.datasetInput)
        try await log.addInputs(inputs, models: models, to: id)
        return .object([])
    }

    func logOutputs(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        guard try fields.value("models") != nil else { throw fields.missing("models") }
        let outputs = try fields.objects("models").map {
            ModelOutput(modelID: try $0.required("model_id"), step: try $0.integer("step") ?? 0)
        }
        try await log.addOutputs(outputs, to: id)
        return .object([])
    }

    /// Adds the model to the history that older clients keep in a tag.
    func logModel(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        let text = try fields.required("model_json")
        guard let model = try? JSONValue(parsing: text), let members = model.members else {
            throw Failure(.invalidParameter, "Malformed model info. \n \(text.prefix(200)) \n is not valid JSON.")
        }
        let missing = ["artifact_path", "flavors", "utc_time_created", "run_id"].filter { name in
            !members.contains { $0.0 == name }
        }
        guard missing.isEmpty else {
            throw Failure(
                .invalidParameter,
                "Model json is missing mandatory fields: \(missing.joined(separator: ", "))"
            )
        }
        try await log.append(model, toTag: "mlflow.log-model.history", of: id)
        return .object([])
    }

    func search(_ fields: MLflowFields) async throws -> JSONValue {
        let limit = try fields.integer("max_results") ?? 1000
        let search = RunSearch(
            experimentIDs: try SearchQuery.experiments(fields),
            query: try SearchQuery(fields, limit: limit, maximum: 50_000, viewField: "run_view_type")
        )
        return try await log.search(search).answer("runs") { MLflowJSON.run($0, withModelInputs: false) }
    }

    /// The run that a request names, by `run_id` or its old alias.
    static func id(_ fields: MLflowFields) throws -> RunID {
        if let text = try fields.text("run_id"), !text.isEmpty { return RunID(native: text) }
        if let text = try fields.text("run_uuid"), !text.isEmpty { return RunID(native: text) }
        throw fields.missing("run_id")
    }
}

/// Names for runs that were given none.
enum RunName {
    private static let adjectives = [
        "amber", "brave", "calm", "clever", "bright", "eager", "gentle", "happy", "keen", "lively", "mellow", "noble",
        "patient", "quick", "quiet", "steady",
    ]
    private static let animals = [
        "badger", "crane", "dolphin", "eagle", "falcon", "fox", "heron", "lynx", "magpie", "otter", "owl", "panda",
        "seal", "stork", "tiger", "wren",
    ]

    /// `adjective-animal-123`, from the run's own random identity.
    static func generated(for id: RunID) -> String {
        let number = id.stored.utf8.prefix(16).reduce(0) { ($0 * 31 + Int($1)) % 1_000_003 }
        return "\(adjectives[number % 16])-\(animals[number / 16 % 16])-\(number % 1000)"
    }
}
