/// A run in a list.
package struct RunSummary: Sendable {
    package var id: RunID
    /// As it was recorded, ISO 8601.
    package var createdAt: String
    package var git: GitInfo
    package var note: String?
    package var kind: String?
    package var status: RunStatus
    /// Sorted by key.
    package var metrics: [Metric]
    /// The name of the run's folder, where one is known.
    package var runDirName: String?
    /// What a client called it.
    package var name: String?

    /// What people know it by.
    package var title: String { name ?? runDirName ?? id.native }

    package init(
        id: RunID,
        createdAt: String,
        git: GitInfo,
        note: String?,
        kind: String?,
        status: RunStatus,
        metrics: [Metric],
        runDirName: String?
    ) {
        self.id = id
        self.createdAt = createdAt
        self.git = git
        self.note = note
        self.kind = kind
        self.status = status
        self.metrics = metrics
        self.runDirName = runDirName
    }

    /// An item of `GET /runs`.
    package func json(includeMetrics: Bool) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("run_id", .string(id.native)), ("created_at", .string(createdAt)), ("git", git.json),
            ("note", .optional(note)), ("kind", .optional(kind)),
        ]
        if includeMetrics { members.append(("metrics", metrics.json)) }
        if let runDirName { members.append(("run_dir_name", .string(runDirName))) }
        return .object(members)
    }
}

/// All that is stored of one run.
package struct RunDetail: Sendable {
    package var summary: RunSummary
    /// The parameters as one object; nil where the original's text was not an object.
    package var params: JSONValue?
    /// Sorted by kind and path.
    package var artifacts: [ArtifactRecord]
    /// The run's pointer file, where it exists.
    package var manifest: JSONValue?

    package init(summary: RunSummary, params: JSONValue?, artifacts: [ArtifactRecord], manifest: JSONValue? = nil) {
        self.summary = summary
        self.params = params
        self.artifacts = artifacts
        self.manifest = manifest
    }

    /// The answer of `GET /runs/{run_id}`.
    package var json: JSONValue {
        .object([
            ("run_id", .string(summary.id.native)), ("created_at", .string(summary.createdAt)),
            ("git", summary.git.json), ("note", .optional(summary.note)),
            ("params", params ?? .null), ("metrics", summary.metrics.json),
            ("artifacts", .array(artifacts.map(\.json))), ("manifest", manifest ?? .null),
        ])
    }
}

extension [Metric] {
    /// The object `{key: value}`.
    package var json: JSONValue { .object(map { ($0.key, .double($0.value)) }) }

    /// The value of a key, or nil.
    package func value(of key: String) -> Double? { first { $0.key == key }?.value }
}
