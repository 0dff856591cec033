import BalanceSystem
import BalanceCore
import Foundation

/// Records a run from its beginning to its manifest.
struct RunRecorder {
    let workspace: Workspace
    let id = RunID()
    let kind: String
    let startedAt = Timestamp.now()

    /// What a finished run left behind.
    struct Finished {
        var manifestPath: String
        var extraPath: String?
    }

    func begin(params: JSONValue, note: String) async throws {
        var run = NewRun(id: id, kind: kind, params: params, note: note, git: Git.info(), startedAt: startedAt)
        run.user = ActorOptions.user
        try await workspace.tracking.begin(run)
    }

    /// Writes manifest and extra file, then the rows: a crash leaves files without rows, never the reverse.
    func finish(
        metrics: [Metric],
        candidate: String? = nil,
        extra: (kind: String, name: String, bytes: [UInt8])? = nil
    ) async throws -> Finished {
        let manifest = RunManifest(
            id: id,
            kind: kind,
            status: "success",
            databasePath: workspace.settings[.database].text,
            metrics: metrics,
            createdAt: startedAt
        )
        var artifacts = candidate.map { [ArtifactRecord(kind: "model_candidate", path: $0)] } ?? []
        var extraPath: String?
        if let extra {
            let path = try workspace.artifacts.writeRunFile(manifest.directoryName, extra.name, bytes: extra.bytes)
            artifacts.append(ArtifactRecord(kind: extra.kind, path: path))
            extraPath = path
        }
        let manifestPath = try workspace.artifacts.writeManifest(manifest)
        let outcome = RunOutcome(
            status: .finished,
            metrics: metrics,
            artifacts: artifacts,
            runDirName: manifest.directoryName,
            endedAt: .now()
        )
        try await workspace.tracking.end(id, outcome)
        return Finished(manifestPath: manifestPath, extraPath: extraPath)
    }

    /// Stores a file among the run's artifacts, where policies and clients of MLflow find it.
    func store(_ name: String, bytes: [UInt8]) async throws {
        let upload = try await workspace.artifactFiles.upload(to: ArtifactKey("0/\(id.stored)/artifacts/\(name)"))
        try bytes.withUnsafeBytes { try upload.write($0) }
        try await upload.commit()
    }

    /// Does the work of a run that has begun; where it throws, the run is marked as failed.
    func record<Value>(_ work: () async throws -> Value) async throws -> Value {
        do {
            return try await work()
        } catch {
            let outcome = RunOutcome(status: .failed, metrics: [], artifacts: [], runDirName: nil, endedAt: .now())
            try? await workspace.tracking.end(id, outcome)
            throw error
        }
    }
}
