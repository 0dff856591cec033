import BalanceCore
import BalanceInference
import BalanceService
import BalanceServing
import BalanceStore
import BalanceSystem
import BalanceTestSupport
import Foundation

/// A database, a folder of models, and what promotes in them.
struct PromotionHouse {
    let folder: TemporaryFolder
    let database: any SQLDatabase
    let registry: SQLRegistryStore
    let tracking: SQLTrackingStore
    let files: any ModelFiles
    let promotions: PromotionService

    /// `reader` parses what is promoted; `wrap` and `wrapFiles` stand something in front of the database and the files.
    init(
        reader: any ModelReader = ModelFormats(),
        database wrap: (SQLiteDatabase) -> any SQLDatabase = { $0 },
        files wrapFiles: (FileModelFiles) -> any ModelFiles = { $0 }
    ) throws {
        folder = try TemporaryFolder()
        database = wrap(try SQLiteDatabase(path: folder("b.db")))
        registry = SQLRegistryStore(database: database, key: nil)
        tracking = SQLTrackingStore(database: database)
        files = wrapFiles(FileModelFiles(defaultPath: folder("models/current.model")))
        let artifacts = SQLArtifactFiles(database: database, root: folder.path)
        promotions = PromotionService(
            store: registry,
            registry: registry,
            governance: registry,
            evidence: EvidenceSource(
                governance: registry,
                log: tracking,
                artifacts: artifacts,
                reader: PredictionFiles()
            ),
            versions: VersionFiles(
                registry: registry,
                models: tracking,
                log: tracking,
                artifacts: artifacts,
                folders: FileArtifactStore(root: folder.path),
                files: files,
                reader: ModelFormats()
            ),
            files: files,
            reader: WarmModels(reader: reader)
        )
    }

    /// A run with the file of a model that it trained.
    func train(seed: Int) async throws -> (run: RunID, path: String, metrics: [Metric]) {
        let id = RunID()
        try await tracking.begin(
            NewRun(id: id, kind: "t", params: .object([]), note: nil, git: GitInfo(), startedAt: .now())
        )
        let (model, metrics) = try DummyTrainer.train(seed: seed, samples: 40, features: 3)
        let path = folder("candidate-\(id)")
        try FileSystem.write(model.bytes, to: path)
        return (id, path, metrics)
    }

    /// Registers the model of a training as the next version.
    @discardableResult
    func register(seed: Int, of name: String) async throws -> ModelVersion {
        let (run, path, metrics) = try await train(seed: seed)
        if (try? await registry.model(name)) == nil {
            _ = try await registry.createModel(RegisteredModel(name: name, at: .now()), by: Actor(name: "min"))
        }
        var version = ModelVersion(
            name: name,
            version: 0,
            createdAt: .now(),
            updatedAt: .now(),
            runID: run,
            metrics: metrics,
            digest: try files.load(path).digest
        )
        version.candidatePath = path
        return try await registry.createVersion(version)
    }
}
