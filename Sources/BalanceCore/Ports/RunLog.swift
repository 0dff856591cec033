/// Where experiments are kept and clients log their runs.
package protocol RunLog: Sendable {
    func createExperiment(name: String, location: String?, tags: [KeyValue], at: Timestamp) async throws -> Int
    func experiment(_ id: Int) async throws -> Experiment?
    func experiment(named name: String) async throws -> Experiment?
    /// - Throws: `Failure` with code `resourceNotFound`, `alreadyExists` or `invalidParameter`.
    func renameExperiment(_ id: Int, to name: String, at: Timestamp) async throws
    /// Deletes or restores an experiment and all its runs.
    func setStage(_ stage: LifecycleStage, ofExperiment id: Int, at: Timestamp) async throws
    func setTag(_ tag: KeyValue, ofExperiment id: Int) async throws
    func deleteTag(_ key: String, ofExperiment id: Int) async throws

    func createRun(_ start: RunStart) async throws -> TrackedRun
    /// - Throws: `Failure` with code `resourceNotFound`.
    func trackedRun(_ id: RunID) async throws -> TrackedRun
    func updateRun(_ id: RunID, _ update: RunUpdate) async throws -> TrackedRun
    func setStage(_ stage: LifecycleStage, ofRun id: RunID, at: Timestamp) async throws
    /// Stores a batch as a whole.
    ///
    /// - Throws: `Failure` with code `invalidParameter` for a param that was logged with another value, or a deleted run.
    func log(_ batch: LogBatch, to id: RunID) async throws
    func deleteTag(_ key: String, ofRun id: RunID) async throws
    /// Records data sets that a run used; one that is recorded already stays as it is.
    func addInputs(_ inputs: [DatasetInput], to id: RunID) async throws
    /// The points of one metric by timestamp, step and value; one more than `limit`, where there are more.
    func history(of key: String, run: RunID, limit: Int, offset: Int) async throws -> [MetricPoint]
    /// The runs that a search finds; one more than its limit, where there are more.
    func search(_ search: RunSearch) async throws -> [TrackedRun]
    /// The experiments of a view; one more than `limit`, where there are more.
    func experiments(
        _ filter: SearchFilter?,
        view: ViewType,
        order: [SearchFilter.Order],
        limit: Int,
        offset: Int
    ) async throws -> [Experiment]
}
