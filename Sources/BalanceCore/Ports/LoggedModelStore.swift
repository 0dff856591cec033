/// Where logged models are kept.
package protocol LoggedModelStore: Sendable {
    func createLoggedModel(_ model: LoggedModel) async throws -> LoggedModel
    /// - Throws: `Failure` with code `resourceNotFound`, also for a deleted one unless `allowDeleted`.
    func loggedModel(_ id: String, allowDeleted: Bool) async throws -> LoggedModel
    func setStatus(_ status: LoggedModel.Status, ofLoggedModel id: String, at: Timestamp) async throws -> LoggedModel
    func deleteLoggedModel(_ id: String, at: Timestamp) async throws
    func setTags(_ tags: [KeyValue], ofLoggedModel id: String, at: Timestamp) async throws
    func deleteTag(_ key: String, ofLoggedModel id: String, at: Timestamp) async throws
    /// - Throws: `Failure` with code `invalidParameter` for a param that is there already.
    func addParams(_ params: [KeyValue], toLoggedModel id: String, at: Timestamp) async throws
    func searchLoggedModels(_ search: LoggedModelSearch) async throws -> Page<LoggedModel>
}

/// A search over logged models.
package struct LoggedModelSearch: Sendable {
    /// A key to sort by; a metric may be limited to one data set.
    package struct Order: Sendable {
        package var order: SearchFilter.Order
        package var dataset: DatasetReference?

        package init(order: SearchFilter.Order, dataset: DatasetReference?) {
            self.order = order
            self.dataset = dataset
        }
    }

    package var experimentIDs: [Int]
    package var filter: SearchFilter?
    /// The data sets that metrics of the filter may be measured on; empty: any.
    package var datasets: [DatasetReference]
    package var order: [Order]
    package var limit: Int
    package var after: String?

    package init(
        experimentIDs: [Int],
        filter: SearchFilter?,
        datasets: [DatasetReference],
        order: [Order],
        limit: Int,
        after: String?
    ) {
        self.experimentIDs = experimentIDs
        self.filter = filter
        self.datasets = datasets
        self.order = order
        self.limit = limit
        self.after = after
    }
}
