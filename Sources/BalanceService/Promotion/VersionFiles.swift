package import BalanceCore

/// Finds and reads the file of a registered version that can be executed.
package struct VersionFiles: Sendable {
    private let registry: any ModelRegistry
    private let models: any LoggedModelStore
    private let log: any RunLog
    private let artifacts: any ArtifactFiles
    private let folders: any ArtifactStore
    private let files: any ModelFiles
    private let reader: any ModelReader

    package init(
        registry: any ModelRegistry,
        models: any LoggedModelStore,
        log: any RunLog,
        artifacts: any ArtifactFiles,
        folders: any ArtifactStore,
        files: any ModelFiles,
        reader: any ModelReader
    ) {
        self.registry = registry
        self.models = models
        self.log = log
        self.artifacts = artifacts
        self.folders = folders
        self.files = files
        self.reader = reader
    }

    /// Reads a version's model as it would be served, and asks it for the answer to the example that it was logged with.
    ///
    /// - Returns: What was found out, with the problem where it cannot be served.
    package func inspect(_ version: ModelVersion) async -> ServableStatus {
        do {
            let loaded = try await load(version)
            try loaded.answerExample()
            return loaded.status
        } catch {
            return ServableStatus(problem: Failure.from(error).message)
        }
    }

    /// A version's model, loaded.
    ///
    /// - Throws: `Failure` with code `modelNotReadable` or another that says what is in the way.
    package func served(_ version: ModelVersion) async throws -> ServedModel {
        let loaded = try await load(version)
        if let digest = version.digest, digest != loaded.digest { throw Self.damaged(version, loaded.digest) }
        return ServedModel(
            predictor: loaded.model.predictor,
            name: version.name,
            version: version.version,
            runID: version.runID,
            path: loaded.path,
            format: loaded.model.format,
            digest: loaded.digest,
            columnTypes: loaded.types
        )
    }

    /// That a version's file holds other bytes than were registered.
    package static func damaged(_ version: ModelVersion, _ found: String) -> Failure {
        Failure(
            .artifactDamaged,
            "the file of version \(version.version) of '\(version.name)' is not the registered file "
                + "(SHA-256 \(found.prefix(12)), expected \(version.digest?.prefix(12) ?? "none"))",
            hint: "restore the file, or register the current file as a new version"
        )
    }

    /// What a version was made from, and the file in it that holds the model.
    private func place(
        of version: ModelVersion
    ) async throws -> (key: ArtifactKey, file: ArtifactKey, manifest: ModelDescription?) {
        let key = try await key(of: version)
        if try await artifacts.localPath(of: key) != nil { return (key, key, nil) }
        let manifest = try await manifest(in: key)
        return (key, try key.appending(manifest.dataFile), manifest)
    }

    /// A version's file, read and parsed by `other`; otherwise by what keeps nothing: what is only looked at must not push
    /// out what serves.
    ///
    /// - Throws: `Failure` with code `modelFileMissing` or another that says what is in the way.
    package func load(_ version: ModelVersion, _ other: (any ModelReader)? = nil) async throws -> LoadedFile {
        let reader = other ?? self.reader
        if let recorded = version.candidatePath {
            let path = folders.resolve(recorded) ?? recorded
            return try LoadedFile(path, files.load(path), reader)
        }
        let (key, file, manifest) = try await place(of: version)
        let path = try await local(file)
        var loaded = try LoadedFile(path, files.load(path), reader)
        loaded.model.predictor = try loaded.model.predictor.completed(
            names: manifest?.columns,
            scoringMethod: manifest?.scoringMethod
        )
        loaded.types = manifest?.types ?? loaded.types
        if let example = manifest?.exampleFile { loaded.example = try? await bytes(key.appending(example)) }
        return loaded
    }

    /// A file that is no version yet, read and parsed.
    ///
    /// - Throws: as ``load(_:_:)``.
    package func load(path: String, _ other: any ModelReader) throws -> LoadedFile {
        try LoadedFile(path, files.load(path), other)
    }

    /// Where an artifact is on this machine's disk; messages name its key and not its place.
    private func local(_ key: ArtifactKey) async throws -> String {
        guard let file = try await artifacts.open(key), let path = try await artifacts.localPath(of: key) else {
            throw Failure(.modelFileMissing, "no such file: \(key.text)")
        }
        guard file.size <= Self.maximumSize else {
            throw Failure(.modelNotReadable, "\(key.text) is larger than 1 GiB")
        }
        return path
    }

    private func bytes(_ key: ArtifactKey) async throws -> [UInt8] { try files.load(await local(key)).bytes }

    private static let maximumSize = 1 << 30

    /// The folder or file of the artifact store that a version's source names.
    ///
    /// - Throws: `Failure` with code `notImplemented` for an object store, `resourceNotFound` for what is not there.
    package func key(of version: ModelVersion) async throws -> ArtifactKey {
        guard let source = version.storage ?? version.source else {
            throw Failure(.resourceNotFound, "version \(version.version) has no artifacts")
        }
        return try await key(VersionSource(source))
    }

    private func key(_ source: VersionSource) async throws -> ArtifactKey {
        switch source {
        case .artifacts(let key): return key
        case .loggedModel(let id): return try await folder(of: models.loggedModel(id, allowDeleted: false))
        case .run(let id, let path): return try await key(of: id, path)
        // A copy keeps what it stands for, so these name something that was not made from artifacts.
        case .version, .alias: throw Failure(.resourceNotFound, "the source version has no artifacts")
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
        "its files are in an object store that the server does not access"
    )

    /// What the `MLmodel` of a folder says.
    private func manifest(in key: ArtifactKey) async throws -> ModelDescription {
        let file = try key.appending("MLmodel")
        guard try await artifacts.localPath(of: file) != nil else {
            throw Failure(.modelFileMissing, "no MLmodel file at \(key.text)")
        }
        return try reader.manifest(from: try await bytes(file))
    }
}
