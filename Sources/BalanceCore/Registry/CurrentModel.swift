/// The name of the one registered model that the original knows.
package let defaultModelName = "balance_model"

/// The version that the alias `current` of a registered model points to.
package struct CurrentModel: Sendable, Hashable {
    package var name: String
    package var version: Int
    package var runID: RunID?
    /// The file that is served, as it was recorded.
    package var path: String
    package var createdAt: String
    /// The metrics that the decision was made on, as the JSON text that was recorded.
    package var metricsJSON: String?
    /// SHA-256 of the model file in hex; nil for a row that the original made.
    package var digest: String?
    /// The file that the version was made from; nil for a row that the original made.
    package var sourcePath: String?
    /// Counts the moves of the alias, so that a change is seen even where the file stays the same.
    package var generation: Int
    /// The version's tensors, features and classes, as JSON.
    package var signature: String?
    /// Why the version cannot be served; nil where it can.
    package var problem: String?

    package init(
        name: String,
        version: Int,
        runID: RunID?,
        path: String,
        createdAt: String,
        metricsJSON: String?,
        digest: String?,
        sourcePath: String?,
        generation: Int
    ) {
        self.name = name
        self.version = version
        self.runID = runID
        self.path = path
        self.createdAt = createdAt
        self.metricsJSON = metricsJSON
        self.digest = digest
        self.sourcePath = sourcePath
        self.generation = generation
    }

    /// The names of the features, where the registry knows some that the file does not tell.
    package var featureNames: [String]? {
        signature.flatMap { try? JSONValue(parsing: $0) }?["feature_names"]?.strings
    }

    /// The types of the columns in the MLflow signature that the model was logged with.
    package var columnTypes: ColumnTypes {
        ColumnTypes(signature.flatMap { try? JSONValue(parsing: $0) }?["column_types"])
    }

    /// How MLflow's `pyfunc` asks the model, where its `MLmodel` told.
    package var scoringMethod: ScoringMethod? {
        let name = signature.flatMap { try? JSONValue(parsing: $0) }?["scoring_method"]?.string
        return name.flatMap(ScoringMethod.init)
    }

    /// The metrics as values; empty where the recorded text is not an object of numbers.
    package var metrics: [Metric] {
        guard let text = metricsJSON,
            let members = (try? JSONValue(parsing: Array(text.utf8), allowsNonFinite: true))?.members
        else {
            return []
        }
        return members.compactMap { key, value in
            // JSON has no form for NaN, so null stands for it.
            value.isNull ? Metric(key, .nan) : value.number.map { Metric(key, $0) }
        }
    }

    /// The answer of `GET /model`.
    package var json: JSONValue {
        .object([
            ("name", .string(name)), ("stage", .string("current")), ("run_id", .optional(runID?.native)),
            ("path", .string(path)), ("created_at", .string(createdAt)), ("metrics_json", .optional(metricsJSON)),
        ])
    }
}

/// Where the alias `current` of a model points to.
package struct CurrentPointer: Sendable, Hashable {
    package var version: Int
    /// As ``CurrentModel/generation``.
    package var generation: Int
    package var path: String
    package var digest: String?

    package init(version: Int, generation: Int, path: String, digest: String?) {
        self.version = version
        self.generation = generation
        self.path = path
        self.digest = digest
    }

    package init(_ model: CurrentModel) {
        self.init(version: model.version, generation: model.generation, path: model.path, digest: model.digest)
    }
}

/// A move of the alias `current` that was decided and is to be carried out.
package struct Promotion: Sendable {
    package var name: String
    /// The registered version that is to serve; nil: a new one is recorded.
    package var version: Int?
    /// Why the version cannot be served; then only the alias moves, and only where no version serves.
    package var problem: String?
    package var runID: RunID?
    /// The candidate's file.
    package var sourcePath: String
    package var digest: String
    package var size: Int
    package var format: String
    package var metrics: [Metric]
    package var at: Timestamp
    /// The model's tensors, features and classes, as JSON.
    package var signature: String?
    /// How long it took to load and to answer a row, for the audit trail.
    package var selfTest: JSONValue?

    package init(
        name: String,
        version: Int? = nil,
        problem: String? = nil,
        runID: RunID?,
        sourcePath: String,
        digest: String,
        size: Int,
        format: String,
        metrics: [Metric],
        at: Timestamp
    ) {
        self.name = name
        self.version = version
        self.problem = problem
        self.runID = runID
        self.sourcePath = sourcePath
        self.digest = digest
        self.size = size
        self.format = format
        self.metrics = metrics
        self.at = at
    }

    /// What is to be judged.
    package var candidate: CandidateReference {
        version.map { .version($0) } ?? .run(runID, metrics: metrics, digest: digest, signature: signature)
    }
}
