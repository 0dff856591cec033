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

    /// A version's file, read.
    private struct Loaded {
        var path: String
        var bytes: [UInt8]
        var digest: String
        var model: LoadedModel
        var types = ColumnTypes([])
        /// A request in the form of MLflow's scoring server that was logged with the model.
        var example: [UInt8]?
    }

    /// Reads a version's model as it would be served, and asks it for the answer to the example that it was logged with.
    ///
    /// - Returns: What was found out, with the problem where it cannot be served, and the file on this machine's disk.
    package func inspect(_ version: ModelVersion) async -> (found: Servability, path: String?) {
        do {
            let loaded = try await load(version)
            try Self.test(loaded)
            let found = Servability(
                format: loaded.model.format,
                digest: loaded.digest,
                size: loaded.bytes.count,
                signature: loaded.model.predictor.signatureJSON(loaded.types).text()
            )
            return (found, loaded.path)
        } catch {
            return (Servability(problem: Failure.from(error).message), nil)
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

    /// The file on this machine's disk that holds a version's model, unread.
    ///
    /// - Throws: `Failure` with code `modelFileMissing` or another that says what is in the way.
    package func path(of version: ModelVersion) async throws -> String {
        if let path = version.candidatePath { return path }
        let file = try await place(of: version).file
        guard let path = try await artifacts.localPath(of: file) else {
            throw Failure(.modelFileMissing, "no such file: \(file.text)")
        }
        return path
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

    private func load(_ version: ModelVersion) async throws -> Loaded {
        if let path = version.candidatePath {
            let (bytes, digest) = try files.load(path)
            let model = try reader.predictor(from: bytes, digest: digest)
            return Loaded(path: path, bytes: bytes, digest: digest, model: model)
        }
        let (key, file, manifest) = try await place(of: version)
        let (path, bytes, digest) = try await read(file)
        var model = try reader.predictor(from: bytes, digest: digest)
        model.predictor = try model.predictor.completed(
            names: manifest?.columns,
            scoringMethod: manifest?.scoringMethod
        )
        var loaded = Loaded(path: path, bytes: bytes, digest: digest, model: model)
        loaded.types = manifest?.types ?? loaded.types
        if let example = manifest?.exampleFile { loaded.example = try? await read(key.appending(example)).bytes }
        return loaded
    }

    /// Whether the model answers the example of its input; an example that is no such request tests nothing.
    private static func test(_ loaded: Loaded) throws {
        let predictor = loaded.model.predictor
        guard let bytes = loaded.example, predictor.featureCount > 0,
            let json = try? JSONValue(parsing: bytes, allowsNonFinite: true), let body = try? ScoringBody(json)
        else { return }
        do {
            for outputs in try body.body(for: predictor, types: loaded.types).outputs(of: predictor) {
                _ = try Prediction(predictor, outputs)
            }
        } catch {
            let failure = Failure.from(error)
            let first = failure.details?.elements?.first
            let place = first?["loc"]?.elements?.map { $0.string ?? "\($0.integer ?? 0)" }.joined(separator: ".")
            let detail = first?["msg"]?.string.map { " \(place ?? ""): \($0)" } ?? ""
            throw Failure(
                .modelNotReadable,
                "the model fails on its logged input example: \(failure.message)\(detail)"
            )
        }
    }

    /// The bytes of an artifact, compared with its digest; messages name its key and not its place on the disk.
    private func read(_ key: ArtifactKey) async throws -> (path: String, bytes: [UInt8], digest: String) {
        guard let file = try await artifacts.open(key), let path = try await artifacts.localPath(of: key) else {
            throw Failure(.modelFileMissing, "no such file: \(key.text)")
        }
        guard file.size <= Self.maximumSize else {
            throw Failure(.modelNotReadable, "\(key.text) is larger than 1 GiB")
        }
        return (path, try file.read(at: 0, count: file.size), file.digest)
    }

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
        return try reader.manifest(from: try await read(file).bytes)
    }
}
