import BalanceService
import BalanceSystem
import BalanceCore
import HTTPTypes
import Foundation

/// `model-versions/…` of MLflow's API.
struct VersionsController: Sendable {
    let sources: MLflowSources

    private var registry: any ModelRegistry { sources.registry }

    var endpoints: [MLflowEndpoint] {
        [
            MLflowEndpoint(.post, "model-versions/create", "Registers a version.") { try await create($0) },
            MLflowEndpoint(.get, "model-versions/get", "A version.") { fields in
                Self.answer(try await registry.version(Self.number(fields), of: fields.required("name")))
            },
            MLflowEndpoint(.patch, "model-versions/update", "Describes a version.") { fields in
                let (name, version) = try Self.place(fields)
                let description = try fields.text("description")
                return Self.answer(try await registry.describeVersion(version, of: name, description, at: .now()))
            },
            MLflowEndpoint(.delete, "model-versions/delete", "Deletes a version.", failures: [.modelInUse]) { fields in
                let (name, version) = try Self.place(fields)
                try await registry.deleteVersion(version, of: name, by: fields.actor, at: .now())
                return .object([])
            },
            MLflowEndpoint(.get, "model-versions/search", "Searches versions.", isList: true) { fields in
                let limit = try fields.integer("max_results") ?? 10_000
                let query = try SearchQuery(fields, limit: limit, maximum: 200_000)
                return try await registry.searchVersions(query).answer("model_versions", MLflowJSON.listedVersion)
            },
            MLflowEndpoint(.get, "model-versions/get-download-uri", "The location of a version's files.") {
                try await downloadURI($0)
            },
            MLflowEndpoint(
                .post,
                "model-versions/transition-stage",
                "Moves a version to a stage.",
                asks: { try await permission($0) },
                failures: [.modelInUse]
            ) {
                try await transition($0)
            },
            MLflowEndpoint(.post, "model-versions/set-tag", "Sets a tag of a version.") { fields in
                let (name, version) = try Self.place(fields)
                let tag = try MLflowRules.registryTag(fields)
                try await registry.setTag(tag, ofVersion: version, of: name, by: fields.actor, at: .now())
                return .object([])
            },
            MLflowEndpoint(.delete, "model-versions/delete-tag", "Deletes a tag.") { fields in
                let (name, version) = try Self.place(fields)
                let key = try fields.required("key")
                try await registry.deleteTag(key, ofVersion: version, of: name, by: fields.actor, at: .now())
                return .object([])
            },
        ]
    }

    /// The number of a version, which is a text on this wire.
    static func number(_ fields: MLflowFields) throws -> Int {
        let text = try fields.required("version")
        guard let number = Int(plain: text) else {
            throw Failure(.invalidParameter, "Parameter 'version' must be an integer, got '\(text.prefix(100))'.")
        }
        return number
    }

    static func stage(_ text: String) throws -> VersionStage {
        guard let stage = VersionStage(mlflow: text) else {
            throw Failure(
                .invalidParameter,
                "Invalid Model Version stage: \(text.prefix(100)). Value must be one of None, Staging, Production, Archived."
            )
        }
        return stage
    }

    private static func place(_ fields: MLflowFields) throws -> (name: String, version: Int) {
        (try fields.required("name"), try number(fields))
    }

    private func create(_ fields: MLflowFields) async throws -> JSONValue {
        let name = try fields.required("name")
        let now = Timestamp.now()
        let source = try fields.required("source")
        var version = ModelVersion(
            name: name,
            version: 0,
            createdAt: now,
            updatedAt: now,
            description: try fields.text("description"),
            source: source,
            runID: try fields.text("run_id").flatMap { $0.isEmpty ? nil : RunID(native: $0) },
            modelID: try fields.text("model_id").flatMap { $0.isEmpty ? nil : $0 },
            runLink: try fields.text("run_link"),
            tags: try fields.objects("tags").map(MLflowRules.registryTag)
        )
        version.accountID = fields.actor.accountID
        if version.tags.contains(where: { $0.key == promptTag && $0.value.lowercased() == "true" }) {
            try Self.checkPrompt(source)
            version.problem = "it is a prompt"
            return Self.answer(try await registry.createVersion(version))
        }
        try await VersionClaim(sources: sources).check(&version)
        version.metrics = try await metrics(of: version)
        let found = await sources.versionFiles.inspect(version)
        version.problem = found.problem
        version.format = found.format
        version.digest = found.digest
        version.signature = found.signature
        return Self.answer(try await registry.createVersion(version))
    }

    /// A prompt is a text in tags; its client sends a word in place of a source (`mlflow.genai.register_prompt`).
    private static func checkPrompt(_ source: String) throws {
        let isWord = source.utf8.allSatisfy { byte in
            "-_".utf8.contains(byte) || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
        }
        guard isWord, source.utf8.count <= 100 else {
            throw Failure(
                .invalidParameter,
                "Invalid prompt source: '\(source.prefix(100))'. A prompt has no files; its source is a placeholder."
            )
        }
    }

    /// What a policy will judge by: the run's latest values, and over them those that were measured on the model.
    private func metrics(of version: ModelVersion) async throws -> [Metric] {
        var points: [MetricPoint] = []
        if let run = version.runID { points += (try? await sources.log.trackedRun(run).metrics) ?? [] }
        if let id = version.modelID {
            points += (try? await sources.models.loggedModel(id, allowDeleted: true).metrics.map(\.point)) ?? []
        }
        var metrics: [Metric] = []
        for point in points {
            metrics.removeAll { $0.key.utf8.elementsEqual(point.key.utf8) }
            metrics.append(Metric(point.key, point.value))
        }
        return metrics
    }

    private func downloadURI(_ fields: MLflowFields) async throws -> JSONValue {
        let (name, number) = try Self.place(fields)
        let version = try await registry.version(number, of: name)
        var uri = version.storage ?? version.source ?? ""
        if case .loggedModel(let id)? = try? VersionSource(uri) {
            uri = try await sources.models.loggedModel(id, allowDeleted: false).artifactURI
        }
        return .object([("artifact_uri", .string(uri))])
    }

    /// What a change of a stage asks for: more where it is about what serves.
    private func permission(_ fields: MLflowFields) async throws -> Permission {
        guard let stage = try? Self.stage(fields.required("stage")), let (name, number) = try? Self.place(fields) else {
            return .write
        }
        if stage == .current { return .promote }
        // Who may not see the version is told that it is not there, whatever its stage.
        return await (try? registry.version(number, of: name))?.stage == .current ? .operate : .write
    }

    /// Production is the alias `current`: only one version has it, and it moves by promotion.
    private func transition(_ fields: MLflowFields) async throws -> JSONValue {
        let (name, number) = try Self.place(fields)
        let stage = try Self.stage(fields.required("stage"))
        let archives = try fields.flag("archive_existing_versions")
        if archives, stage != .staging, stage != .current {
            throw Failure(
                .invalidParameter,
                "archive_existing_versions cannot be used with the stage \(stage.mlflow): it is for Staging and Production"
            )
        }
        if stage == .current {
            let version = try await registry.version(number, of: name)
            if version.stage != .current {
                _ = try await sources.promotions.requirePromotion(
                    number,
                    of: name,
                    by: TransitionRequest(by: fields.actor)
                )
            }
            return Self.answer(try await registry.version(number, of: name))
        }
        let version = try await registry.setStage(
            stage,
            ofVersion: number,
            of: name,
            archivingOthers: archives,
            by: fields.actor,
            at: .now()
        )
        return Self.answer(version)
    }

    private static func answer(_ version: ModelVersion) -> JSONValue {
        .object([("model_version", MLflowJSON.version(version))])
    }
}

/// Checks that a version's source belongs to the run or logged model that the request names.
struct VersionClaim {
    let sources: MLflowSources

    /// Fills in the run and the logged model where the source tells them.
    func check(_ version: inout ModelVersion) async throws {
        let text = version.source ?? ""
        switch try VersionSource(text) {
        case .run(let id, _):
            guard version.runID == id else { throw Self.notContained(text) }
        case .loggedModel(let id):
            guard version.modelID == id else { throw Self.notContained(text) }
            let model = try await sources.models.loggedModel(id, allowDeleted: false)
            version.runID = version.runID ?? model.sourceRunID
        case .version(let name, let number):
            try adopt(await sources.registry.version(number, of: name), &version)
        case .alias(let name, let alias):
            try adopt(await sources.registry.version(alias: alias, of: name), &version)
        case .artifacts(let key):
            guard try await isContained(key, version) else { throw Self.notContained(text) }
            version.source = "mlflow-artifacts:/\(key.text)"
        case .objectStore: break
        }
    }

    /// A version that is made from another one shares its run and model.
    private func adopt(_ origin: ModelVersion, _ version: inout ModelVersion) throws {
        let fits =
            (version.runID ?? origin.runID) == origin.runID && (version.modelID ?? origin.modelID) == origin.modelID
        guard fits else { throw Self.notContained(version.source ?? "") }
        version.runID = origin.runID
        version.modelID = origin.modelID
        version.source = "models:/\(origin.name)/\(origin.version)"
        // The copy must not go with its origin.
        version.storage = origin.storage ?? origin.source
        version.candidatePath = origin.candidatePath
    }

    private func isContained(_ key: ArtifactKey, _ version: ModelVersion) async throws -> Bool {
        var roots: [String] = []
        // What does not exist contains nothing.
        if let run = version.runID, let run = try? await sources.log.trackedRun(run) { roots.append(run.artifactURI) }
        if let id = version.modelID, let model = try? await sources.models.loggedModel(id, allowDeleted: false) {
            roots.append(model.artifactURI)
        }
        return roots.contains { "mlflow-artifacts:/\(key.text)/".hasPrefix("\($0)/") }
    }

    private static func notContained(_ text: String) -> Failure {
        VersionSource.invalid(text, VersionSource.notContained)
    }
}
