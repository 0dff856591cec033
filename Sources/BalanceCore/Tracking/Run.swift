/// The commit that a run was made from.
package struct GitInfo: Sendable, Hashable {
    package var commit: String?
    package var branch: String?
    /// Whether the work tree had changes; nil where there was no repository to ask.
    package var dirty: Bool?

    package init(commit: String? = nil, branch: String? = nil, dirty: Bool? = nil) {
        self.commit = commit
        self.branch = branch
        self.dirty = dirty
    }

    /// The form that the native API answers with; `dirty` is false where it is not known.
    package var json: JSONValue {
        .object([
            ("commit", .optional(commit)), ("branch", .optional(branch)), ("dirty", .bool(dirty ?? false)),
        ])
    }
}

/// The state that a run is in, in MLflow's words.
package enum RunStatus: String, Sendable, CaseIterable {
    case running = "RUNNING"
    case scheduled = "SCHEDULED"
    case finished = "FINISHED"
    case failed = "FAILED"
    case killed = "KILLED"
}

/// A run as it begins.
package struct NewRun: Sendable {
    package var id: RunID
    /// What made it, as `train_dummy`.
    package var kind: String
    /// The parameters as one object; it may be nested.
    package var params: JSONValue
    package var note: String?
    package var git: GitInfo
    package var startedAt: Timestamp
    /// Who made it; empty where that is not known.
    package var user = ""

    package init(id: RunID, kind: String, params: JSONValue, note: String?, git: GitInfo, startedAt: Timestamp) {
        self.id = id
        self.kind = kind
        self.params = params
        self.note = note
        self.git = git
        self.startedAt = startedAt
    }
}

/// What a run leaves behind when it ends; it is stored as a whole or not at all.
package struct RunOutcome: Sendable {
    package var status: RunStatus
    package var metrics: [Metric]
    package var artifacts: [ArtifactRecord]
    package var runDirName: String?
    package var endedAt: Timestamp

    package init(
        status: RunStatus,
        metrics: [Metric],
        artifacts: [ArtifactRecord],
        runDirName: String?,
        endedAt: Timestamp
    ) {
        self.status = status
        self.metrics = metrics
        self.artifacts = artifacts
        self.runDirName = runDirName
        self.endedAt = endedAt
    }
}

/// A metric's latest value.
package struct Metric: Sendable, Hashable {
    package var key: String
    package var value: Double

    package init(_ key: String, _ value: Double) {
        self.key = key
        self.value = value
    }
}

/// A file that a run made: its kind says what it is for (`model_candidate`, `dataset_meta`, …).
package struct ArtifactRecord: Sendable, Hashable {
    package var kind: String
    /// The path as it was recorded: absolute, or relative to the working directory.
    package var path: String

    package init(kind: String, path: String) {
        self.kind = kind
        self.path = path
    }

    package var json: JSONValue { .object([("kind", .string(kind)), ("path", .string(path))]) }
}
