/// Registered models, their versions, tags and aliases, as clients write them.
///
/// The alias `current` is moved by the ``PromotionService`` alone.
package protocol ModelRegistry: Sendable {
    /// - Throws: `Failure` with code `alreadyExists`.
    func createModel(_ model: RegisteredModel, by actor: Actor) async throws -> RegisteredModel
    /// - Throws: `Failure` with code `resourceNotFound`.
    func model(_ name: String) async throws -> RegisteredModel
    func describeModel(_ name: String, _ description: String?, at: Timestamp) async throws -> RegisteredModel
    /// - Throws: `Failure` with code `resourceNotFound`, `alreadyExists`, or `modelInUse` while a version serves.
    func renameModel(_ name: String, to newName: String, by actor: Actor, at: Timestamp) async throws -> RegisteredModel
    func deleteModel(_ name: String, by actor: Actor) async throws
    func setTag(_ tag: KeyValue, ofModel name: String, by actor: Actor) async throws
    func deleteTag(_ key: String, ofModel name: String, by actor: Actor) async throws
    func searchModels(_ query: SearchQuery) async throws -> Page<RegisteredModel>

    /// Records a version under the next number; numbers are never given twice.
    func createVersion(_ version: ModelVersion) async throws -> ModelVersion
    /// - Throws: `Failure` with code `resourceNotFound`.
    func version(_ version: Int, of name: String) async throws -> ModelVersion
    func describeVersion(
        _ version: Int,
        of name: String,
        _ description: String?,
        at: Timestamp
    ) async throws
        -> ModelVersion
    /// - Throws: `Failure` with code `modelInUse` while the version serves.
    func deleteVersion(_ version: Int, of name: String, by actor: Actor, at: Timestamp) async throws
    func setTag(
        _ tag: KeyValue,
        ofVersion version: Int,
        of name: String,
        by actor: Actor,
        at: Timestamp
    ) async throws
    func deleteTag(
        _ key: String,
        ofVersion version: Int,
        of name: String,
        by actor: Actor,
        at: Timestamp
    ) async throws
    func searchVersions(_ query: SearchQuery) async throws -> Page<ModelVersion>
    /// The newest version of each of some stages.
    func latestVersions(of name: String, stages: [VersionStage]) async throws -> [ModelVersion]
    /// Moves a version to a stage other than `current`; one that leaves `current` takes the alias with it.
    func setStage(
        _ stage: VersionStage,
        ofVersion version: Int,
        of name: String,
        archivingOthers: Bool,
        by actor: Actor,
        at: Timestamp
    ) async throws -> ModelVersion
    /// Records what was found out about a version's files.
    func setServableStatus(_ found: ServableStatus, ofVersion version: Int, of name: String) async throws

    func setAlias(_ alias: String, ofVersion version: Int, of name: String, at: Timestamp) async throws
    func deleteAlias(_ alias: String, of name: String, by actor: Actor, at: Timestamp) async throws
    /// Where the alias `current` of each model points to.
    func currentPointers() async throws -> [ByteText: CurrentPointer]
    /// - Throws: `Failure` with code `resourceNotFound` for the model and `invalidParameter` for the alias.
    func version(alias: String, of name: String) async throws -> ModelVersion
}

extension ModelRegistry {
    /// The versions of a model, the newest first where that is asked for.
    package func versions(of name: String, limit: Int, newestFirst: Bool = false) async throws -> [ModelVersion] {
        let filter = SearchFilter.comparison(
            .init(identifier: .init(entity: "", key: "name"), comparator: .equal, value: .text(name), offset: 0)
        )
        let order = newestFirst ? [try SearchFilter.parseOrder("version_number DESC")] : []
        return try await searchVersions(SearchQuery(filter: filter, order: order, limit: limit)).items
    }
}

/// What is known about whether a version can be served.
package struct ServableStatus: Sendable {
    /// Why it cannot be served; nil where it can.
    package var problem: String?
    package var format: String?
    package var digest: String?
    package var size: Int?
    /// Tensors, features and classes, as JSON.
    package var signature: String?

    package init(
        problem: String? = nil,
        format: String? = nil,
        digest: String? = nil,
        size: Int? = nil,
        signature: String? = nil
    ) {
        self.signature = signature
        self.problem = problem
        self.format = format
        self.digest = digest
        self.size = size
    }
}
