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
            let path = try await localPath(of: version)
            let (bytes, digest) = try files.load(path)
            let model = try reader.predictor(from: bytes)
            return (Servability(format: model.format, digest: digest, size: bytes.count), path)
        } catch {
            return (Servability(problem: Failure.from(error).message), nil)
        }
    }

    /// The folder or file of the artifact store that a version's source names.
    ///
    /// - Throws: `Failure` with code `notImplemented` for an object store, `resourceNotFound` for what is not there.
    package func key(of version: ModelVersion) async throws -> ArtifactKey {
        guard let source = version.source else {
            throw Failure(.resourceNotFound, "version \(version.version) was not made from artifacts")
        }
        return try await key(VersionSource(source), depth: 0)
    }

    private func key(_ source: VersionSource, depth: Int) async throws -> ArtifactKey {
        guard depth < 16 else { throw Failure(.invalidParameter, "versions are made from one another in a circle") }
        switch source {
        case .artifacts(let key): return key
        case .loggedModel(let id): return try await folder(of: models.loggedModel(id, allowDeleted: false))
        case .run(let id, let path): return try await key(of: id, path)
        case .version(let name, let version):
            let source = try await registry.version(version, of: name).source ?? ""
            return try await key(VersionSource(source), depth: depth + 1)
        case .alias(let name, let alias):
            let source = try await registry.version(alias: alias, of: name).source ?? ""
            return try await key(VersionSource(source), depth: depth + 1)
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

    private func localPath(of version: ModelVersion) async throws -> String {
        if let path = version.candidatePath { return path }
        let key = try await key(of: version)
        if let path = try await artifacts.localPath(of: key) { return path }
        guard let manifest = try await artifacts.localPath(of: key.appending("MLmodel")) else {
            throw Failure(.modelFileMissing, "there is no file MLmodel at \(key.text)")
        }
        let name = try reader.dataFile(inManifest: files.load(manifest).bytes)
        guard let path = try await artifacts.localPath(of: key.appending(name)) else {
            throw Failure(.modelFileMissing, "there is no file \(name) at \(key.text)")
        }
        return path
    }
}
