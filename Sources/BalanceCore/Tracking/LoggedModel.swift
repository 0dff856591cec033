/// A model that a run logged, with files, params and metrics of its own (MLflow 3).
package struct LoggedModel: Sendable {
    /// The states of its upload; the raw value is the number on MLflow's wire.
    package enum Status: Int, Sendable, CaseIterable {
        case pending = 1
        case ready = 2
        case uploadFailed = 3

        /// The name on MLflow's wire.
        package var name: String {
            switch self {
            case .pending: "LOGGED_MODEL_PENDING"
            case .ready: "LOGGED_MODEL_READY"
            case .uploadFailed: "LOGGED_MODEL_UPLOAD_FAILED"
            }
        }
    }

    /// `m-` and 32 hex digits.
    package var id: String
    package var experimentID: Int
    package var name: String
    package var modelType: String?
    package var sourceRunID: RunID?
    package var status: Status
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
    /// The experiment's artifact location.
    package var location: String
    package var params: [KeyValue]
    package var tags: [KeyValue]
    package var metrics: [ModelMetric]

    package init(
        id: String,
        experimentID: Int,
        name: String,
        modelType: String?,
        sourceRunID: RunID?,
        status: Status = .pending,
        createdAt: Timestamp,
        updatedAt: Timestamp,
        location: String = "",
        params: [KeyValue] = [],
        tags: [KeyValue] = [],
        metrics: [ModelMetric] = []
    ) {
        self.id = id
        self.experimentID = experimentID
        self.name = name
        self.modelType = modelType
        self.sourceRunID = sourceRunID
        self.status = status
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.location = location
        self.params = params
        self.tags = tags
        self.metrics = metrics
    }

    /// Where its files are, as clients are told.
    package var artifactURI: String { "\(location)/models/\(id)/artifacts" }
}

/// A point of a metric that was measured on a logged model.
package struct ModelMetric: Sendable {
    package var point: MetricPoint
    package var modelID: String
    package var runID: RunID
    package var dataset: DatasetReference?

    package init(point: MetricPoint, modelID: String, runID: RunID, dataset: DatasetReference?) {
        self.point = point
        self.modelID = modelID
        self.runID = runID
        self.dataset = dataset
    }
}

/// The data set that a metric was measured on; without a digest any state of the data.
package struct DatasetReference: Sendable, Hashable {
    package var name: String
    package var digest: String?

    package init(name: String, digest: String?) {
        self.name = name
        self.digest = digest
    }
}

/// A logged model that a run made, at a step of its training.
package struct ModelOutput: Sendable, Hashable {
    package var modelID: String
    package var step: Int

    package init(modelID: String, step: Int) {
        self.modelID = modelID
        self.step = step
    }
}
