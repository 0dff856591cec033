/// Whether something is there or was deleted and can be restored.
package enum LifecycleStage: String, Sendable {
    case active
    case deleted
}

/// Which of the two a search looks at.
package enum ViewType: String, Sendable, CaseIterable {
    case activeOnly = "ACTIVE_ONLY"
    case deletedOnly = "DELETED_ONLY"
    case all = "ALL"
}

/// A key with a text: a tag or a param.
package struct KeyValue: Sendable, Hashable {
    package var key: String
    package var value: String

    package init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// A named group of runs.
package struct Experiment: Sendable {
    package var id: Int
    package var name: String
    package var stage: LifecycleStage
    /// An object-store location that the client reads and writes itself; nil: our own.
    package var location: String?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
    package var tags: [KeyValue]

    package init(
        id: Int,
        name: String,
        stage: LifecycleStage,
        location: String?,
        createdAt: Timestamp,
        updatedAt: Timestamp,
        tags: [KeyValue]
    ) {
        self.id = id
        self.name = name
        self.stage = stage
        self.location = location
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.tags = tags
    }

    /// Where the artifacts of its runs are, as clients are told.
    package var artifactLocation: String { location ?? "mlflow-artifacts:/\(id)" }
}
