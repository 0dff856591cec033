import BalanceSystem
package import BalanceCore

/// A request for the outputs of a model, whatever protocol it came by.
package struct InferenceRequest: Sendable {
    package var inputs: [Tensor]
    /// The names of the outputs that are wanted; empty: all.
    package var outputs: [String]

    package init(inputs: [Tensor], outputs: [String]) {
        self.inputs = inputs
        self.outputs = outputs
    }
}

/// Whether a version can answer.
package struct ModelState: Sendable {
    package var name: String
    package var version: Int
    package var isReady: Bool
    /// Why it is not ready.
    package var reason: String

    /// The Open Inference Protocol's word for it.
    package var state: String { isReady ? "READY" : "UNAVAILABLE" }
}

/// What the protocols for inference share: models by name and version, their answers, and what is counted.
package struct ModelService: Sendable {
    private let directory: any ModelDirectory
    private let registry: any ModelRegistry
    private let store: any RegistryStore
    private let runner: any PredictionRunner
    package let statistics: InferenceStatistics

    package init(
        directory: any ModelDirectory,
        registry: any ModelRegistry,
        store: any RegistryStore,
        statistics: InferenceStatistics,
        runner: any PredictionRunner
    ) {
        self.runner = runner
        self.store = store
        self.directory = directory
        self.registry = registry
        self.statistics = statistics
    }

    /// A version by its number or alias; the current one where none is named.
    ///
    /// - Throws: `Failure` with code `resourceNotFound`, `noCurrentModel`, `modelUnloaded` or one that says why it
    ///   cannot be loaded.
    package func model(_ name: String, version: String?) async throws -> ServedModel {
        guard let version, !version.isEmpty else { return try await directory.current(of: name) }
        return try await directory.version(version, of: name)
    }

    /// The steps that one answer may take where others wait for it: about a millisecond.
    private static let quickSteps = 200_000

    /// Runs what asks a model: at once where that is quick, else among the heavy predictions.
    package func asking<Value: Sendable>(
        _ model: ServedModel,
        rows: Int,
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let (steps, overflow) = model.rowCost.multipliedReportingOverflow(by: max(rows, 1))
        return try await !overflow && steps <= Self.quickSteps ? body() : runner.run(body)
    }

    /// The answer of a model, counted; `input` is how long it took to read the request, in nanoseconds.
    package func infer(_ request: InferenceRequest, with model: ServedModel, input: UInt64 = 0) throws -> [Tensor] {
        try counted(model, rows: request.inputs.first?.shape.first ?? 1, input: input) {
            try model.predictor.infer(request.inputs, outputs: request.outputs)
        }
    }

    /// The answer of a model to rows of cells, counted.
    package func outputs(of rows: [[Cell]], with model: ServedModel) throws -> [[Double]] {
        try counted(model, rows: rows.count) { try model.predictor.outputs(of: rows) }
    }

    /// All outputs of a model for rows, counted; nil where `/invocations` asks it row by row.
    package func scoringOutputs(of rows: [[Cell]], with model: ServedModel) throws -> [ScoringOutput]? {
        guard model.predictor.answersByOutput else { return nil }
        return try counted(model, rows: rows.count) { try model.predictor.scoringOutputs(of: rows) }
    }

    private func counted<Answer>(
        _ model: ServedModel,
        rows: Int,
        input: UInt64 = 0,
        _ ask: () throws -> Answer
    ) throws -> Answer {
        let start = Monotonic.now()
        do {
            let answer = try CrashMark.during(model) { try ask() }
            let times = InferenceStatistics.Times(input: input, infer: Monotonic.now() &- start, output: 0)
            statistics.record(model.name, model.version, rows: rows, times)
            return answer
        } catch {
            statistics.recordFailure(model.name, model.version, Monotonic.now() &- start)
            throw error
        }
    }

    /// The answer of a model to one row of numbers, counted.
    package func outputs(ofRow row: [Double], with model: ServedModel) throws -> [Double] {
        let start = Monotonic.now()
        let outputs = try CrashMark.during(model) { try model.predictor.outputs(row) }
        let times = InferenceStatistics.Times(input: 0, infer: Monotonic.now() &- start, output: 0)
        statistics.record(model.name, model.version, rows: 1, times)
        return outputs
    }

    /// Why a model that should serve does not, or serves in another version's place; nil where all is well.
    ///
    /// A version that never could be served is no reason: its own model says so, and the others answer.
    package func problem() async throws -> String? {
        for model in try await registeredModels() {
            guard let current = model.aliases.first(where: { $0.name == currentAlias }),
                !directory.isUnloaded(model.name)
            else { continue }
            do {
                _ = try await directory.current(of: model.name)
                if let problem = await directory.problem(of: model.name) { return "model '\(model.name)': \(problem)" }
            } catch {
                let version = try? await registry.version(current.version, of: model.name)
                if version?.problem != nil { continue }
                let failure = Failure.from(error)
                return "model '\(model.name)': \(failure.details?["message"]?.string ?? failure.message)"
            }
        }
        return nil
    }

    /// The extensions of the protocol that are offered.
    package static let extensions = ["binary_tensor_data", "model_repository", "statistics", "model_configuration"]

    /// Why a load is refused that brings a configuration or files: they would be silently ignored.
    package static func refusesParameter(_ name: String) -> Failure {
        Failure(
            .invalidParameter,
            "load does not support parameters ('\(name.prefix(60))'); it loads the registered versions",
            hint: "register a version instead"
        )
    }

    /// What was counted of all models, of one, or of one version.
    ///
    /// - Throws: `Failure` with code `resourceNotFound` for a model or version that is not there.
    package func statistics(of name: String, version: String?) async throws -> [InferenceStatistics.Entry] {
        guard !name.isEmpty else { return statistics.all }
        let entries = statistics.all.filter { ByteText.isSame($0.name, name) }
        guard let version, !version.isEmpty else {
            _ = try await registry.model(name)
            return entries
        }
        let number = try await model(name, version: version).version
        return entries.filter { $0.version == number }
    }

    /// The numbers of a model's versions that can be served.
    package func servableVersions(of name: String) async throws -> [Int] {
        try await versions(of: name).filter { $0.problem == nil }.map(\.version).sorted()
    }

    /// Every version of every registered model.
    package func index() async throws -> [ModelState] {
        var states: [ModelState] = []
        for model in try await registeredModels() {
            let isUnloaded = directory.isUnloaded(model.name)
            for version in try await versions(of: model.name).sorted(by: { $0.version < $1.version }) {
                let reason = isUnloaded ? "unloaded" : version.problem ?? ""
                states.append(
                    ModelState(name: model.name, version: version.version, isReady: reason.isEmpty, reason: reason)
                )
            }
        }
        return states
    }

    /// Loads a model again, also one that was unloaded.
    package func load(_ name: String, by actor: Actor) async throws {
        try await directory.load(name)
        try await store.recordControl(.modelLoaded, of: name, by: actor)
    }

    /// Takes a model out of service until it is loaded again or the server restarts.
    package func unload(_ name: String, by actor: Actor) async throws {
        try await directory.unload(name)
        try await store.recordControl(.modelUnloaded, of: name, by: actor)
    }

    /// All registered models.
    package func registeredModels() async throws -> [RegisteredModel] {
        var models: [RegisteredModel] = []
        var after: String?
        repeat {
            let page = try await registry.searchModels(SearchQuery(limit: 1000, after: after))
            models += page.items
            after = page.next
        } while after != nil
        return models
    }

    /// The versions of a model.
    package func versions(of name: String) async throws -> [ModelVersion] {
        try await registry.versions(of: name, limit: 1000)
    }
}

extension Duration {
    /// The whole nanoseconds of a time that is not negative.
    package var nanoseconds: UInt64 {
        let (seconds, fraction) = components
        return UInt64(max(seconds, 0)) &* 1_000_000_000 &+ UInt64(max(fraction, 0) / 1_000_000_000)
    }
}
