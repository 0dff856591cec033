/// Finds and reads the file of a registered version that can be executed.
package struct VersionFiles: Sendable {
    private let registry: any ModelRegistry
    private let models: any LoggedModelStore
    private let log: any RunLog
    private let artifacts: any ArtifactFiles
    private let files: any ModelFiles
    private let reader: any ModelReader

    package init(
        registry: any ModelRegistry,
        models: any LoggedModelStore,
        log: any RunLog,
        artifacts: any ArtifactFiles,
        files: any ModelFiles,
        reader: any ModelReader
    ) {
        self.registry = registry
        self.models = models
        self.log = log
        self.artifacts = artifacts
        self.files = files
        self.reader = reader
    }

    /// Reads a version's model as it would be served.
    ///
    /// - Returns: What was found out, with the problem where it cannot be served, and the file on this machine's disk.
    package func inspect(_ version: ModelVersion) async -> (found: Servability, path: String?) {
        do {
            let (path, bytes, digest) = try await load(version)
            let model = try reader.predictor(from: bytes)
            return (Servability(format: model.format, digest: digest, size: bytes.count), path)
        } catch {
            return (Servability(problem: Failure.from(error).message), nil)
        }
    }

    /// A version's model, loaded.
    ///
    /// - Throws: `Failure` with code `modelNotReadable` or another that says what is in the way.
    package func served(_ version: ModelVersion) async throws -> ServedModel {
        let (path, bytes, _) = try await load(version)
        return ServedModel(
            predictor: try reader.predictor(from: bytes).predictor,
            name: version.name,
            version: version.version,
            runID: version.runID,
            path: path
        )
    }

    private func load(_ version: ModelVersion) async throws -> (path: String, bytes: [UInt8], digest: String) {
        if let path = version.candidatePath {
            let (bytes, digest) = try files.load(path)
            return (path, bytes, digest)
        }
        return try await read(modelKey(of: version))
    }

    /// The bytes of an artifact, compared with its digest; messages name its key and not its place on the disk.
    private func read(_ key: ArtifactKey) async throws -> (path: String, bytes: [UInt8], digest: String) {
        guard let file = try await artifacts.open(key), let path = try await artifacts.localPath(of: key) else {
            throw Failure(.modelFileMissing, "there is no file \(key.text)")
        }
        guard file.size <= Self.maximumSize else {
            throw Failure(.modelNotReadable, "the file \(key.text) is larger than 1 GiB")
        }
        return (path, try file.read(at: 0, count: file.size), file.digest)
    }

    private static let maximumSize = 1 << 30

    /// The folder or file of the artifact store that a version's source names.
    ///
    /// - Throws: `Failure` with code `notImplemented` for an object store, `resourceNotFound` for what is not there.
    package func key(of version: ModelVersion) async throws -> ArtifactKey {
        guard let source = version.storage ?? version.source else {
            throw Failure(.resourceNotFound, "version \(version.version) was not made from artifacts")
        }
        return try await key(VersionSource(source))
    }

    private func key(_ source: VersionSource) async throws -> ArtifactKey {
        switch source {
        case .artifacts(let key): return key
        case .loggedModel(let id): return try await folder(of: models.loggedModel(id, allowDeleted: false))
        case .run(let id, let path): return try await key(of: id, path)
        // A copy keeps what it stands for, so these name something that was not made from artifacts.
        case .version, .alias: throw Failure(.resourceNotFound, "the version that it is a copy of has no artifacts")
        case .objectStore: throw Self.isElsewhere
        }
    }

    /// What a run has below its artifacts, else the model that it logged under that name.
    private func key(of id: RunID, _ path: String) async throws -> ArtifactKey {
        let run = try await log.trackedRun(id)
        let root = try ArtifactKey(Self.path(run.artifactURI))
        let key = try path.isEmpty ? root : root.appending(path)
        if try await !artifacts.list(key).isEmpty { return key }
        if try await artifacts.localPath(of: key) != nil { return key }
        for output in run.outputs.reversed() {
            let model = try await models.loggedModel(output.modelID, allowDeleted: false)
            if model.name == path { return try folder(of: model) }
        }
        throw Failure(.resourceNotFound, "the run has no artifact '\(path)'")
    }

    private func folder(of model: LoggedModel) throws -> ArtifactKey { try ArtifactKey(Self.path(model.artifactURI)) }

    private static func path(_ uri: String) throws -> String {
        guard uri.hasPrefix("mlflow-artifacts:/") else { throw isElsewhere }
        return String(uri.dropFirst("mlflow-artifacts:/".count))
    }

    private static let isElsewhere = Failure(
        .notImplemented,
        "its files are in an object store that the server does not open"
    )

    /// The file of a version that holds the model: the one that its `MLmodel` names, or the source itself.
    private func modelKey(of version: ModelVersion) async throws -> ArtifactKey {
        let key = try await key(of: version)
        if try await artifacts.localPath(of: key) != nil { return key }
        let manifest = try key.appending("MLmodel")
        guard try await artifacts.localPath(of: manifest) != nil else {
            throw Failure(.modelFileMissing, "there is no file MLmodel at \(key.text)")
        }
        return try await key.appending(reader.manifest(from: read(manifest).bytes).dataFile)
    }
}
