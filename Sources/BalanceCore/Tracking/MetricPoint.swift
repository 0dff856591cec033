/// One value of a metric's history.
package struct MetricPoint: Sendable, Hashable {
    package var key: String
    package var value: Double
    package var timestamp: Timestamp
    package var step: Int

    package init(key: String, value: Double, timestamp: Timestamp, step: Int) {
        self.key = key
        self.value = value
        self.timestamp = timestamp
        self.step = step
    }
}

/// What a client logs of one run at once: all of it is stored, or nothing.
package struct LogBatch: Sendable {
    package var metrics: [MetricPoint]
    package var params: [KeyValue]
    package var tags: [KeyValue]
    /// The metrics that were also measured on a logged model.
    package var modelMetrics: [ModelMetric]

    package init(
        metrics: [MetricPoint] = [],
        params: [KeyValue] = [],
        tags: [KeyValue] = [],
        modelMetrics: [ModelMetric] = []
    ) {
        self.metrics = metrics
        self.params = params
        self.tags = tags
        self.modelMetrics = modelMetrics
    }
}

/// A run as MLflow's clients see it.
package struct TrackedRun: Sendable {
    package var id: RunID
    package var name: String
    package var experimentID: Int
    package var userID: String
    package var status: RunStatus
    package var startedAt: Timestamp
    package var endedAt: Timestamp?
    package var stage: LifecycleStage
    /// The experiment's artifact location.
    package var location: String
    package var metrics: [MetricPoint]
    package var params: [KeyValue]
    package var tags: [KeyValue]
    package var inputs: [DatasetInput] = []
    /// The ids of the logged models that it used.
    package var modelInputs: [String] = []
    package var outputs: [ModelOutput] = []

    package init(
        id: RunID,
        name: String,
        experimentID: Int,
        userID: String,
        status: RunStatus,
        startedAt: Timestamp,
        endedAt: Timestamp?,
        stage: LifecycleStage,
        location: String,
        metrics: [MetricPoint] = [],
        params: [KeyValue] = [],
        tags: [KeyValue] = []
    ) {
        self.id = id
        self.name = name
        self.experimentID = experimentID
        self.userID = userID
        self.status = status
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.stage = stage
        self.location = location
        self.metrics = metrics
        self.params = params
        self.tags = tags
    }

    /// Where the run's artifacts are, as clients are told.
    package var artifactURI: String { "\(location)/\(id.stored)/artifacts" }
}

/// A run as a client begins it.
package struct RunStart: Sendable {
    package var id: RunID
    package var experimentID: Int
    package var name: String
    package var userID: String
    package var startedAt: Timestamp
    package var tags: [KeyValue]
    /// The account that begins it; nil where nobody proved who they were.
    package var accountID: String?

    package init(
        id: RunID,
        experimentID: Int,
        name: String,
        userID: String,
        startedAt: Timestamp,
        tags: [KeyValue]
    ) {
        self.id = id
        self.experimentID = experimentID
        self.name = name
        self.userID = userID
        self.startedAt = startedAt
        self.tags = tags
    }
}

/// The fields of a run that an update changes; nil leaves a field as it is.
package struct RunUpdate: Sendable {
    package var status: RunStatus?
    package var endedAt: Timestamp?
    package var name: String?

    package init(status: RunStatus?, endedAt: Timestamp?, name: String?) {
        self.status = status
        self.endedAt = endedAt
        self.name = name
    }
}

/// The tag that holds a run's name.
package let runNameTag = "mlflow.runName"
