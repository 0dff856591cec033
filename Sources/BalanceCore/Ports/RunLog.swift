/// Where experiments are kept and clients log their runs.
package protocol RunLog: Sendable {
    func createExperiment(name: String, location: String?, tags: [KeyValue], at: Timestamp) async throws -> Int
    func experiment(_ id: Int) async throws -> Experiment?
    func experiment(named name: String) async throws -> Experiment?
    /// - Throws: `Failure` with code `resourceNotFound`, `alreadyExists` or `invalidParameter`.
    func renameExperiment(_ id: Int, to name: String, at: Timestamp) async throws
    /// Deletes or restores an experiment and all its runs.
    func setStage(_ stage: LifecycleStage, ofExperiment id: Int, by actor: Actor, at: Timestamp) async throws
    func setTag(_ tag: KeyValue, ofExperiment id: Int) async throws
    func deleteTag(_ key: String, ofExperiment id: Int) async throws

    func createRun(_ start: RunStart) async throws -> TrackedRun
    /// - Throws: `Failure` with code `resourceNotFound`.
    func trackedRun(_ id: RunID) async throws -> TrackedRun
    func updateRun(_ id: RunID, _ update: RunUpdate) async throws -> TrackedRun
    func setStage(_ stage: LifecycleStage, ofRun id: RunID, by actor: Actor, at: Timestamp) async throws
    /// Stores a batch as a whole.
    ///
    /// - Throws: `Failure` with code `invalidParameter` for a param that was logged with another value, or a deleted run.
    func log(_ batch: LogBatch, to id: RunID) async throws
    func deleteTag(_ key: String, ofRun id: RunID) async throws
    /// Records data sets and logged models that a run used; what is recorded already stays as it is.
    func addInputs(_ inputs: [DatasetInput], models: [String], to id: RunID) async throws
    /// Records logged models that a run made.
    func addOutputs(_ outputs: [ModelOutput], to id: RunID) async throws
    /// Adds a value to the JSON list that a tag of a run holds.
    func append(_ value: JSONValue, toTag key: String, of id: RunID) async throws
    /// The data sets that runs of some experiments used.
    func datasets(of experimentIDs: [Int], limit: Int) async throws -> [DatasetSummary]
    /// The points of one metric by timestamp, step and value.
    func history(of key: String, run: RunID, limit: Int, after: String?) async throws -> Page<MetricPoint>
    /// At most `limit` points of one metric within some steps, evenly spread, the first and the last among them.
    func sample(of key: String, run: RunID, steps: ClosedRange<Int>, limit: Int) async throws -> [MetricPoint]
    /// A metric's history thinned to the columns of a picture: no value that stands out is lost.
    func series(of key: String, run: RunID, _ view: SeriesView) async throws -> MetricSeries
    /// The runs that a search finds.
    func search(_ search: RunSearch) async throws -> Page<TrackedRun>
    /// A run with all below it by the tag `mlflow.parentRunId`, parents before children, at most `limit`.
    func tree(of id: RunID, limit: Int) async throws -> [TrackedRun]
    func experiments(_ query: SearchQuery) async throws -> Page<Experiment>
}

/// The calls that a training waits for, for a caller without a task to wait in: each returns at once and says later, on any
/// thread, what came of it.
package protocol CallbackRunLog: Sendable {
    /// As ``RunLog/log(_:to:)``.
    func log(_ batch: LogBatch, to id: RunID, then: @escaping @Sendable (Result<Void, any Error>) -> Void)
    /// As ``RunLog/createRun(_:)``.
    func createRun(_ start: RunStart, then: @escaping @Sendable (Result<TrackedRun, any Error>) -> Void)
    /// As ``RunLog/trackedRun(_:)``.
    func trackedRun(_ id: RunID, then: @escaping @Sendable (Result<TrackedRun, any Error>) -> Void)
}

extension RunLog where Self: CallbackRunLog {
    package func log(_ batch: LogBatch, to id: RunID) async throws {
        try await withCheckedThrowingContinuation { continuation in
            log(batch, to: id) { continuation.resume(with: $0) }
        }
    }

    package func createRun(_ start: RunStart) async throws -> TrackedRun {
        try await withCheckedThrowingContinuation { continuation in
            createRun(start) { continuation.resume(with: $0) }
        }
    }
}

/// A data set that runs of an experiment used, for one purpose.
package struct DatasetSummary: Sendable, Hashable {
    package var experimentID: Int
    package var name: String
    package var digest: String
    package var context: String?

    package init(experimentID: Int, name: String, digest: String, context: String?) {
        self.experimentID = experimentID
        self.name = name
        self.digest = digest
        self.context = context
    }
}

/// The tag that holds the id of the run that a nested run belongs to.
package let parentRunTag = "mlflow.parentRunId"
