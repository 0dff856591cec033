import BalanceService
import BalanceCore
import BalanceInference
import BalanceServing
import BalanceStore
import Foundation

/// The stores that the settings name, opened: the one place where concrete types meet.
struct Workspace: Sendable {
    let settings: Settings
    let database: SQLiteDatabase
    let tracking: any TrackingStore
    let log: any RunLog
    let callbackLog: any CallbackRunLog
    let loggedModels: any LoggedModelStore
    let registry: any RegistryStore
    let models: any ModelRegistry
    let artifacts: any ArtifactStore
    let artifactFiles: any ArtifactFiles
    let trash: any Trash
    let transfer: any TransferStore
    let files: any ModelFiles
    let governance: any Governance
    let audit: any AuditTrail
    let webhooks: any WebhookStore
    let accounts: any AccountStore
    let accessObjects: any AccessObjects
    /// The public half of the key that signs the audit trail.
    let auditKey: AuditKey
    let warm: WarmModels
    let versionFiles: VersionFiles
    let promotions: PromotionService

    /// Opens the database, migrates it where that is due, and finishes a promotion that a crash interrupted.
    ///
    /// Where it `creates` nothing, a database that is missing is an error: what only reads makes none.
    static func open(_ settings: Settings, creates: Bool = true) async throws -> Workspace {
        if !creates { try requireDatabase(settings) }
        // What is written here is for its owner alone: the database holds secrets of webhooks.
        umask(0o077)
        useOnnxRuntime(settings)
        let database = try SQLiteDatabase(path: settings[.database].text)
        let key = try AuditKey(path: auditKeyPath(settings))
        let registry = SQLRegistryStore(database: database, key: key)
        let warm = WarmModels(reader: ModelFormats())
        let tracking = SQLTrackingStore(database: database, key: key)
        let artifacts = FileArtifactStore(root: settings[.artifacts].text)
        let files = FileModelFiles(defaultPath: settings[.currentModel].text)
        let artifactFiles = SQLArtifactFiles(database: database, root: settings[.artifacts].text)
        let evidence = EvidenceSource(
            governance: registry,
            log: tracking,
            artifacts: artifactFiles,
            reader: PredictionFiles()
        )
        let versionFiles = VersionFiles(
            registry: registry,
            models: tracking,
            log: tracking,
            artifacts: artifactFiles,
            folders: artifacts,
            files: files,
            // What is only looked at must not push out what serves.
            reader: ModelFormats()
        )
        let promotions = PromotionService(
            store: registry,
            registry: registry,
            governance: registry,
            evidence: evidence,
            versions: versionFiles,
            files: files,
            reader: warm
        )
        try await promotions.repairAll()
        try await artifactFiles.adoptFormerFolder()
        try await tracking.nameFolders { artifacts.pointer(of: $0)?["run_dir_name"]?.string }
        return Workspace(
            settings: settings,
            database: database,
            tracking: tracking,
            log: tracking,
            callbackLog: tracking,
            loggedModels: tracking,
            registry: registry,
            models: registry,
            artifacts: artifacts,
            artifactFiles: artifactFiles,
            trash: SQLTrash(database: database, key: key, files: artifactFiles, folders: artifacts),
            transfer: SQLTransferStore(database: database, root: settings[.artifacts].text, key: key),
            files: files,
            governance: registry,
            audit: registry,
            webhooks: SQLWebhookStore(database: database, key: key),
            accounts: SQLAccountStore(database: database, key: key),
            accessObjects: SQLAccessObjects(database: database),
            auditKey: key,
            warm: warm,
            versionFiles: versionFiles,
            promotions: promotions
        )
    }

    /// Whether there is a database, or was one.
    static func hasDatabase(_ settings: Settings) -> Bool {
        let path = settings[.database].text
        return FileManager.default.fileExists(atPath: path)
            || FileManager.default.fileExists(atPath: path + ".audit-key.head")
    }

    private static func requireDatabase(_ settings: Settings) throws {
        guard !hasDatabase(settings) else { return }
        throw Failure(
            .fileNotFound,
            "no database at \(settings[.database].text)",
            hint: "name the folder with --data DIR, the file with --db or BALANCEOPS_DB, or a server with --server URL"
        )
    }

    /// Names the library that executes ONNX models, for the whole process.
    static func useOnnxRuntime(_ settings: Settings) {
        let path = settings[.onnxRuntime].text
        OnnxLibrary.use(path: path == "auto" ? nil : path)
    }

    /// Where the key is that signs the audit trail.
    static func auditKeyPath(_ settings: Settings) -> String {
        let path = settings[.auditKey].text
        return path == "auto" ? settings[.database].text + ".audit-key" : path
    }

    var runPromotion: RunPromotion {
        RunPromotion(tracking: tracking, artifacts: artifacts, files: files, promotions: promotions)
    }

    /// What answers predictions.
    func modelHost(_ name: String = defaultModelName) -> ModelHost {
        ModelHost(
            name: name,
            registry: registry,
            artifacts: artifacts,
            files: files,
            reader: warm,
            defaultPath: (try? files.currentPath(of: name)) ?? settings[.currentModel].text
        )
    }
}
