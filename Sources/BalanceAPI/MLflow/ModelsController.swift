import BalanceSystem
import BalanceService
import BalanceCore
import HTTPTypes
import Foundation

/// `registered-models/…` of MLflow's API.
struct ModelsController: Sendable {
    let registry: any ModelRegistry
    let promotions: PromotionService

    var endpoints: [MLflowEndpoint] {
        [
            MLflowEndpoint(.post, "registered-models/create", "Creates a registered model.") { try await create($0) },
            MLflowEndpoint(.get, "registered-models/get", "A registered model.") {
                Self.answer(try await registry.model($0.required("name")))
            },
            MLflowEndpoint(.patch, "registered-models/update", "Describes a registered model.") { fields in
                let name = try fields.required("name")
                return Self.answer(try await registry.describeModel(name, fields.text("description"), at: .now()))
            },
            MLflowEndpoint(.post, "registered-models/rename", "Renames a registered model.", failures: [.modelInUse]) {
                fields in
                let name = try fields.required("name")
                let newName = try MLflowRules.modelName(fields, "new_name")
                return Self.answer(try await registry.renameModel(name, to: newName, by: fields.actor, at: .now()))
            },
            MLflowEndpoint(.delete, "registered-models/delete", "Deletes a registered model.", failures: [.modelInUse])
            {
                try await registry.deleteModel($0.required("name"), by: $0.actor)
                return .object([])
            },
            MLflowEndpoint(.get, "registered-models/search", "Searches registered models.", isList: true) { fields in
                let limit = try fields.integer("max_results") ?? 100
                let query = try SearchQuery(fields, limit: limit, maximum: 1000)
                return try await registry.searchModels(query).answer("registered_models", MLflowJSON.registeredModel)
            },
            MLflowEndpoint(.post, "registered-models/get-latest-versions", "The newest version of each stage.", .read) {
                try await latest($0)
            },
            MLflowEndpoint(.get, "registered-models/get-latest-versions", "The newest version of each stage.") {
                try await latest($0)
            },
            MLflowEndpoint(.post, "registered-models/set-tag", "Sets a tag of a registered model.") { fields in
                let name = try fields.required("name")
                try await registry.setTag(MLflowRules.registryTag(fields), ofModel: name, by: fields.actor)
                return .object([])
            },
            MLflowEndpoint(.delete, "registered-models/delete-tag", "Deletes a tag.") { fields in
                let name = try fields.required("name")
                try await registry.deleteTag(fields.required("key"), ofModel: name, by: fields.actor)
                return .object([])
            },
            MLflowEndpoint(
                .post,
                "registered-models/alias",
                "Points an alias to a version.",
                asks: { try Self.permission($0, .promote) },
                failures: [.modelInUse]
            ) {
                try await setAlias($0)
            },
            MLflowEndpoint(
                .delete,
                "registered-models/alias",
                "Deletes an alias.",
                asks: { try Self.permission($0, .operate) },
                failures: [.modelInUse]
            ) { fields in
                let name = try fields.required("name")
                try await registry.deleteAlias(fields.required("alias"), of: name, by: fields.actor, at: .now())
                return .object([])
            },
            MLflowEndpoint(.get, "registered-models/alias", "The version that an alias points to.") { fields in
                let name = try fields.required("name")
                let version = try await registry.version(alias: fields.required("alias"), of: name)
                return .object([("model_version", MLflowJSON.version(version))])
            },
        ]
    }

    private func create(_ fields: MLflowFields) async throws -> JSONValue {
        let now = Timestamp.now()
        let model = RegisteredModel(
            name: try MLflowRules.modelName(fields, "name"),
            description: try fields.text("description"),
            createdAt: now,
            updatedAt: now,
            tags: try fields.objects("tags").map(MLflowRules.registryTag)
        )
        return Self.answer(try await registry.createModel(model, by: fields.actor))
    }

    private func latest(_ fields: MLflowFields) async throws -> JSONValue {
        let name = try fields.required("name")
        let stages = try fields.texts("stages").map(VersionsController.stage)
        let versions = try await registry.latestVersions(
            of: name,
            stages: stages.isEmpty ? VersionStage.allCases : stages
        )
        return MLflowJSON.object([("model_versions", .array(versions.map { MLflowJSON.listedVersion($0) }))])
    }

    /// What a change of an alias asks for: more where it is what serves.
    private static func permission(_ fields: MLflowFields, _ forCurrent: Permission) throws -> Permission {
        try fields.text("alias") == currentAlias ? forCurrent : .write
    }

    /// The alias `current` is what serves, so it moves by promotion.
    private func setAlias(_ fields: MLflowFields) async throws -> JSONValue {
        let name = try fields.required("name")
        let alias = try MLflowRules.alias(fields)
        let version = try VersionsController.number(fields)
        if alias == currentAlias {
            _ = try await promotions.requirePromotion(version, of: name, by: TransitionRequest(by: fields.actor))
        } else {
            try await registry.setAlias(alias, ofVersion: version, of: name, at: .now())
        }
        return .object([])
    }

    private static func answer(_ model: RegisteredModel) -> JSONValue {
        .object([("registered_model", MLflowJSON.registeredModel(model))])
    }
}

extension MLflowRules {
    /// The name of a registered model: not blank, no `/` or `:`, and no path that means another.
    static func modelName(_ fields: MLflowFields, _ field: String) throws -> String {
        let name = try fields.required(field)
        guard !name.allSatisfy(\.isWhitespace) else { throw fields.missing(field) }
        guard !name.utf8.contains(where: { "/:".utf8.contains($0) }) else {
            throw Failure(
                .invalidParameter,
                "Invalid model name '\(name.prefix(100))'. Names cannot contain '/' or ':'."
            )
        }
        let isPlain = name != "." && name != ".." && name.unicodeScalars.count <= maximumName
        guard isPlain, name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            throw Failure(
                .invalidParameter,
                "Invalid value \"\(name.prefix(100))\" for parameter '\(field)' supplied: a name has at most "
                    + "\(maximumName) characters, no control characters, and must not resolve to another path"
            )
        }
        return name
    }

    /// The name of an alias: letters, digits, `_` and `-`; some are reserved.
    static func alias(_ fields: MLflowFields) throws -> String {
        let alias = try fields.required("alias")
        let isPlain = alias.unicodeScalars.allSatisfy {
            $0 == "-" || $0 == "_" || $0.properties.isAlphabetic || $0.properties.numericType != nil
        }
        guard isPlain, alias.unicodeScalars.count <= 255 else {
            throw Failure(
                .invalidParameter,
                alias.unicodeScalars.count > 255
                    ? "'Registered model alias name' exceeds the maximum length of 255 characters"
                    : "Invalid alias name: '\(alias.prefix(100))'. Names may only contain alphanumerics, underscores (_), and dashes (-)."
            )
        }
        let isNumber = alias.first?.lowercased() == "v" && alias.count > 1 && alias.dropFirst().allSatisfy(\.isNumber)
        guard alias.lowercased() != "latest", !isNumber else {
            throw Failure(
                .invalidParameter,
                isNumber
                    ? "Version alias name '\(alias)' is reserved."
                    : "'latest' alias name (case insensitive) is reserved."
            )
        }
        return alias
    }
}
