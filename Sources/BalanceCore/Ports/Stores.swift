/// Where runs are kept.
package protocol TrackingStore: Sendable {
    /// Records a run that begins, with its parameters.
    func begin(_ run: NewRun) async throws
    /// Records how a run ended, all of it or nothing.
    func end(_ id: RunID, _ outcome: RunOutcome) async throws
    /// Records one more file of a run; a file that is there already stays once.
    func addArtifact(_ artifact: ArtifactRecord, to id: RunID) async throws
    /// The runs that a search finds, the newest first whatever its order says, from a place on; with metrics unless it is
    /// light.
    func runs(_ search: RunSearch, offset: Int) async throws -> Page<RunSummary>
    /// How many runs a search finds, whatever its limit.
    func count(_ search: RunSearch) async throws -> Int
    /// One run, or nil; without its manifest, which is a file.
    func run(_ id: RunID) async throws -> RunDetail?
    /// The newest run's identity, or nil.
    func newestRunID() async throws -> RunID?
    /// The kinds that occur, sorted.
    func kinds() async throws -> [String]
}

/// Where registered models, their versions and the audit trail are kept.
package protocol RegistryStore: Sendable {
    /// The version that the alias `current` of a model points to, or nil.
    func currentModel(named name: String) async throws -> CurrentModel?
    /// Runs `body` with the current version while no other process can promote.
    func exclusively(_ name: String, _ body: @escaping @Sendable (CurrentModel?) throws -> Void) async throws
    /// The versions of a model that served before a row's and may serve again, the newest first.
    func servedBefore(_ current: CurrentModel) async throws -> [CurrentModel]
    /// Adds a line to the audit trail: a file that serves is not what was registered, and what answers instead.
    func recordDamage(of current: CurrentModel, serving version: Int?, reason: String) async throws
    /// Adds a line to the audit trail: a model was loaded, or taken out of service in this process.
    func recordControl(_ action: AuditAction, of name: String, by actor: Actor) async throws
    /// Adds a line to the audit trail: a candidate failed its test, and what serves goes on serving.
    func recordFailedTest(of name: String, version: Int?, run: RunID?, reason: String, by actor: Actor) async throws
}

/// Where run folders, pointer files and model files are kept.
package protocol ArtifactStore: Sendable {
    /// The root folder, as it was configured.
    var root: String { get }
    /// Creates the run's folder with its manifest, and the two pointers to it.
    ///
    /// - Returns: The path of the manifest, below ``root``.
    func writeManifest(_ manifest: RunManifest) throws -> String
    /// The content of the pointer file of a run, or nil where there is none that can be read.
    func pointer(of id: RunID) -> JSONValue?
    /// The run that `_latest.json` points to, or nil.
    func latestRunID() -> RunID?
    /// Writes a candidate's file and returns its path.
    func writeCandidate(_ id: RunID, kind: String, fileExtension: String, bytes: [UInt8]) throws -> String
    /// Writes one file of a run's folder and returns its path.
    func writeRunFile(_ directoryName: String, _ name: String, bytes: [UInt8]) throws -> String
    /// Reads a recorded file: as it is named, else below the root; nil where neither exists.
    func resolve(_ path: String) -> String?
}

/// What is written into a run's `manifest.json`.
package struct RunManifest: Sendable {
    package var id: RunID
    package var kind: String
    package var status: String
    package var databasePath: String
    package var metrics: [Metric]
    package var createdAt: Timestamp

    package init(
        id: RunID,
        kind: String,
        status: String,
        databasePath: String,
        metrics: [Metric],
        createdAt: Timestamp
    ) {
        self.id = id
        self.kind = kind
        self.status = status
        self.databasePath = databasePath
        self.metrics = metrics
        self.createdAt = createdAt
    }

    /// `<YYYYMMDD_HHMMSS_kind_shortid>`.
    package var directoryName: String { "\(createdAt.compact)_\(kind)_\(id.short)" }
}
