/// One line of an export: exactly one of its parts is there.
///
/// Lines stand in this order: experiments; runs, each with its metrics, artifacts and files behind it; logged models, each
/// with its artifacts; registered models; versions; aliases. The bytes of artifacts and files are in files named by their
/// SHA-256.
package struct TransferRecord: Codable, Sendable {
    package var experiment: ExperimentRecord?
    package var run: RunRecord?
    package var metrics: MetricsRecord?
    package var artifact: StoredFileRecord?
    package var loggedModel: LoggedModelRecord?
    package var model: ModelRecord?
    package var version: VersionRecord?
    package var alias: AliasRecord?

    package init(
        experiment: ExperimentRecord? = nil,
        run: RunRecord? = nil,
        metrics: MetricsRecord? = nil,
        artifact: StoredFileRecord? = nil,
        loggedModel: LoggedModelRecord? = nil,
        model: ModelRecord? = nil,
        version: VersionRecord? = nil,
        alias: AliasRecord? = nil
    ) {
        self.experiment = experiment
        self.run = run
        self.metrics = metrics
        self.artifact = artifact
        self.loggedModel = loggedModel
        self.model = model
        self.version = version
        self.alias = alias
    }

    /// A key with its text.
    package struct Pair: Codable, Sendable, Equatable {
        package var key: String
        package var value: String

        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    package struct ExperimentRecord: Codable, Sendable {
        package var id: String
        package var name: String
        /// An object store, or nil: the server's own.
        package var location: String?
        package var isDeleted = false
        package var createdAt = 0
        package var updatedAt = 0
        package var tags: [Pair] = []

        package init(id: String, name: String) {
            self.id = id
            self.name = name
        }
    }

    package struct RunRecord: Codable, Sendable {
        package var id: String
        package var experiment: String
        package var name: String?
        package var userID: String?
        package var status = "FINISHED"
        package var startedAt = 0
        package var endedAt: Int?
        package var isDeleted = false
        package var deletedAt: Int?
        /// ISO 8601, where it differs from the start.
        package var createdAt: String?
        package var kind: String?
        package var note: String?
        package var gitCommit: String?
        package var gitBranch: String?
        package var gitDirty: Bool?
        /// The nested parameters of a run that `balanceops` made, as JSON.
        package var paramsJSON: String?
        package var directoryName: String?
        package var params: [Pair] = []
        package var tags: [Pair] = []
        package var inputs: [DatasetRecord] = []
        package var modelInputs: [String] = []
        package var outputs: [OutputRecord] = []
        /// What `balanceops` recorded of files: kind and path; below the artifact root without its name.
        package var recorded: [Pair] = []

        package init(id: String, experiment: String) {
            self.id = id
            self.experiment = experiment
        }
    }

    package struct DatasetRecord: Codable, Sendable {
        package var name: String
        package var digest: String
        package var sourceType: String
        package var source: String
        package var schema: String?
        package var profile: String?
        package var tags: [Pair]

        package init(_ input: DatasetInput) {
            name = input.name
            digest = input.digest
            sourceType = input.sourceType
            source = input.source
            schema = input.schema
            profile = input.profile
            tags = input.tags.map { Pair($0.key, $0.value) }
        }

        package var input: DatasetInput {
            DatasetInput(
                name: name,
                digest: digest,
                sourceType: sourceType,
                source: source,
                schema: schema,
                profile: profile,
                tags: tags.map { KeyValue(key: $0.key, value: $0.value) }
            )
        }
    }

    package struct OutputRecord: Codable, Sendable {
        package var model: String
        package var step: Int

        package init(model: String, step: Int) {
            self.model = model
            self.step = step
        }
    }

    /// Points of metrics in their order of arrival, of the run before them.
    package struct MetricsRecord: Codable, Sendable {
        package var run: String
        package var points: [PointRecord]

        package init(run: String, points: [PointRecord]) {
            self.run = run
            self.points = points
        }
    }

    package struct PointRecord: Codable, Sendable {
        package var key: String
        package var value: Double
        package var step: Int
        package var at: Int
        package var run: String?
        package var dataset: String?
        package var digest: String?

        package init(_ point: MetricPoint) {
            key = point.key
            value = point.value
            step = point.step
            at = point.timestamp.milliseconds
        }

        package var point: MetricPoint {
            MetricPoint(key: key, value: value, timestamp: Timestamp(milliseconds: at), step: step)
        }
    }

    /// A file of a run or a logged model.
    package struct StoredFileRecord: Codable, Sendable {
        /// What it belongs to.
        package enum Owner: String, Codable, Sendable {
            case run, loggedModel
            /// A file of the artifact root that no client stored.
            case root
        }

        package var owner: Owner
        /// The id of the owner.
        package var id: String
        /// Below the owner's artifacts, or below the root.
        package var path: String
        package var sha256: String?

        package init(owner: Owner, id: String, path: String, sha256: String? = nil) {
            self.owner = owner
            self.id = id
            self.path = path
            self.sha256 = sha256
        }
    }

    package struct LoggedModelRecord: Codable, Sendable {
        package var id: String
        package var experiment: String
        package var name: String
        package var modelType: String?
        package var sourceRun: String?
        package var status = 2
        package var isDeleted = false
        package var createdAt = 0
        package var updatedAt = 0
        package var params: [Pair] = []
        package var tags: [Pair] = []
        package var metrics: [PointRecord] = []

        package init(id: String, experiment: String, name: String) {
            self.id = id
            self.experiment = experiment
            self.name = name
        }
    }

    package struct ModelRecord: Codable, Sendable {
        package var name: String
        package var description: String?
        package var createdAt = 0
        package var updatedAt = 0
        package var lastVersion = 0
        package var tags: [Pair] = []

        package init(name: String) { self.name = name }
    }

    package struct VersionRecord: Codable, Sendable {
        package var name: String
        package var version: Int
        package var run: String?
        package var loggedModel: String?
        package var source: String?
        /// The source that a copy of another version stands for.
        package var storage: String?
        package var runLink: String?
        package var description: String?
        package var stage = VersionStage.candidate.rawValue
        package var createdAt = 0
        package var updatedAt = 0
        package var metricsJSON: String?
        package var tags: [Pair] = []
        /// The candidate's file, of a version that `balanceops` made; below the artifact root without its name.
        package var candidate: String?

        package init(name: String, version: Int) {
            self.name = name
            self.version = version
        }
    }

    package struct AliasRecord: Codable, Sendable {
        package var name: String
        package var alias: String
        package var version: Int

        package init(name: String, alias: String, version: Int) {
            self.name = name
            self.alias = alias
            self.version = version
        }
    }
}
