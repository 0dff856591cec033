import BalanceCore
import Hummingbird

/// `runs/…` and `metrics/…` of MLflow's API.
struct TrackingController {
    let log: any RunLog

    func create(_ fields: MLflowFields) async throws -> JSONValue {
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
        let start = RunStart(
            id: id,
            experimentID: experiment,
            name: name,
            userID: try fields.text("user_id") ?? "",
            startedAt: Timestamp(milliseconds: try fields.integer("start_time") ?? 0),
            tags: tags
        )
        return .object([("run", MLflowJSON.run(try await log.createRun(start)))])
    }

    func get(_ fields: MLflowFields) async throws -> JSONValue {
        .object([("run", MLflowJSON.run(try await log.trackedRun(Self.id(fields))))])
    }

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
        try await log.setStage(stage, ofRun: Self.id(fields), at: .now())
        return .object([])
    }

    func logMetric(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        try await log.log(LogBatch(metrics: [MLflowRules.metric(fields)]), to: id)
        return .object([])
    }

    func logParameter(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        try await log.log(LogBatch(params: [MLflowRules.param(fields)]), to: id)
        return .object([])
    }

    func setTag(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        try await log.log(LogBatch(tags: [MLflowRules.runTag(fields)]), to: id)
        return .object([])
    }

    func deleteTag(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        try await log.deleteTag(fields.required("key"), ofRun: id)
        return .object([])
    }

    func logBatch(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        try await log.log(MLflowRules.batch(fields), to: id)
        return .object([])
    }

    func logInputs(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        guard try fields.list("models").isEmpty else {
            throw Failure(.notImplemented, "Logged models are not kept yet, so a run cannot name them as inputs.")
        }
        let inputs = try fields.objects("datasets").map(MLflowRules.datasetInput)
        try await log.addInputs(inputs, to: id)
        return .object([])
    }

    func search(_ fields: MLflowFields) async throws -> JSONValue {
        let limit = try fields.integer("max_results") ?? 1000
        let page = try SearchPage(fields, limit: limit, maximum: 50_000, viewField: "run_view_type")
        let search = RunSearch(
            experimentIDs: try fields.texts("experiment_ids").map(ExperimentsController.id),
            filter: page.filter,
            view: page.view,
            order: page.order,
            limit: page.limit,
            offset: page.offset
        )
        do {
            return page.answer("runs", try await log.search(search).map(MLflowJSON.run))
        } catch let error as FilterError {
            throw error.failure(in: try fields.text("filter") ?? "")
        }
    }

    func history(_ fields: MLflowFields) async throws -> JSONValue {
        let id = try Self.id(fields)
        let key = try fields.required("metric_key")
        let limit = try fields.integer("max_results")
        if let limit, !(1...1_000_000).contains(limit) { throw fields.invalid("max_results", .int(limit)) }
        let offset = try PageToken.offset(fields.text("page_token"))
        let most = limit ?? 1_000_000
        let points = try await log.history(of: key, run: id, limit: most + 1, offset: offset)
        var members: [(String, JSONValue)] = [("metrics", .array(points.prefix(most).map(MLflowJSON.metric)))]
        if points.count > most { members.append(("next_page_token", .string(PageToken.text(offset: offset + most)))) }
        return MLflowJSON.object(members)
    }

    /// The run that a request names, by `run_id` or its old alias.
    private static func id(_ fields: MLflowFields) throws -> RunID {
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
