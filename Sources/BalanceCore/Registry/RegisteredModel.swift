/// A named model with its versions.
package struct RegisteredModel: Sendable {
    package var name: String
    package var description: String?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
    package var tags: [KeyValue]
    package var aliases: [ModelAlias]
    /// The highest version of each stage.
    package var latest: [ModelVersion]

    package init(
        name: String,
        description: String?,
        createdAt: Timestamp,
        updatedAt: Timestamp,
        tags: [KeyValue] = [],
        aliases: [ModelAlias] = [],
        latest: [ModelVersion] = []
    ) {
        self.name = name
        self.description = description
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.tags = tags
        self.aliases = aliases
        self.latest = latest
    }

    /// A model that is made now.
    package init(name: String, at moment: Timestamp) {
        self.init(name: name, description: nil, createdAt: moment, updatedAt: moment)
    }
}

/// A name that points to one version of a model; `current` is the one that serves.
package struct ModelAlias: Sendable, Hashable {
    package var name: String
    package var version: Int

    package init(name: String, version: Int) {
        self.name = name
        self.version = version
    }
}

/// The alias whose version serves.
package let currentAlias = "current"

/// The tag that tells a prompt, which MLflow's clients keep as a registered model.
package let promptTag = "mlflow.prompt.is_prompt"

/// Where a version stands; the raw value is what is stored.
package enum VersionStage: String, Sendable, CaseIterable {
    case candidate
    case staging
    /// The version that the alias `current` points to, and no other.
    case current
    case archived

    /// The stage in MLflow's words.
    package var mlflow: String {
        switch self {
        case .candidate: "None"
        case .staging: "Staging"
        case .current: "Production"
        case .archived: "Archived"
        }
    }

    /// The stage that one of MLflow's words names, in any case.
    package init?(mlflow text: String) {
        guard let stage = Self.allCases.first(where: { $0.mlflow.lowercased() == text.lowercased() }) else {
            return nil
        }
        self = stage
    }
}

/// One version of a registered model.
package struct ModelVersion: Sendable {
    package var name: String
    package var version: Int
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
    package var stage: VersionStage
    package var description: String?
    /// Where its files are, as the client said it; nil for a version that `balanceops` itself made.
    package var source: String?
    /// The source that a copy of another version stands for; nil: its own.
    package var storage: String?
    /// The candidate's file, of a version that `balanceops` itself made.
    package var candidatePath: String?
    package var runID: RunID?
    /// The logged model that it was made from.
    package var modelID: String?
    package var runLink: String?
    package var tags: [KeyValue]
    package var aliases: [String]
    /// The metrics that a policy judges by, frozen when the version was made.
    package var metrics: [Metric]
    /// The format that can be executed, as `joblib`; nil where none was found.
    package var format: String?
    /// Why it cannot be served; nil where it can.
    package var problem: String?
    /// SHA-256 of the model file in hex, where one was found.
    package var digest: String?
    /// Its tensors, features and classes, as JSON; nil where nothing that can be executed was found.
    package var signature: String?
    /// Why it is in quarantine; nil: it is not.
    package var quarantine: String?
    /// Who made it; nil: whoever made its run.
    package var author: String?
    /// The account that registered it; nil where nobody proved who they were.
    package var accountID: String?

    package init(
        name: String,
        version: Int,
        createdAt: Timestamp,
        updatedAt: Timestamp,
        stage: VersionStage = .candidate,
        description: String? = nil,
        source: String? = nil,
        runID: RunID? = nil,
        modelID: String? = nil,
        runLink: String? = nil,
        tags: [KeyValue] = [],
        aliases: [String] = [],
        metrics: [Metric] = [],
        format: String? = nil,
        problem: String? = nil,
        digest: String? = nil
    ) {
        self.name = name
        self.version = version
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.stage = stage
        self.description = description
        self.source = source
        self.runID = runID
        self.modelID = modelID
        self.runLink = runLink
        self.tags = tags
        self.aliases = aliases
        self.metrics = metrics
        self.format = format
        self.problem = problem
        self.digest = digest
    }
}
