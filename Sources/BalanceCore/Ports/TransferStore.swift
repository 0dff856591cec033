/// Where imports are written to and exports are read from.
package protocol TransferStore: Sendable {
    /// The experiment here that a record stands for: one of that name, else a new one, with its own number if that is free.
    func experiment(for record: TransferRecord.ExperimentRecord) async throws -> Int
    func hasRun(_ id: RunID) async throws -> Bool
    /// Writes a run with all of its points, or nothing.
    func insert(_ run: TransferRecord.RunRecord, points: [MetricPoint], experiment: Int) async throws
    func hasLoggedModel(_ id: String) async throws -> Bool
    func insert(_ model: TransferRecord.LoggedModelRecord, experiment: Int) async throws
    /// Creates a model where it is missing.
    func insert(_ model: TransferRecord.ModelRecord) async throws
    /// Records a version under its own number.
    ///
    /// - Returns: Whether it is new here.
    func insert(_ version: TransferRecord.VersionRecord) async throws -> Bool
    /// Says again when a model and its versions were last changed, after they were changed to serve here.
    func setTimes(of model: String, _ updatedAt: Int, versions: [Int: Int]) async throws
    /// All records except the bytes of files, in the order of an export.
    func records(_ body: @escaping @Sendable (TransferRecord) throws -> Void) async throws
}
