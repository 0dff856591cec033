/// What is known of a version when it is judged.
///
/// Metrics are those of the snapshot that was taken when the version was made; tags, files and the run's status are as
/// they are now.
package struct VersionFacts: Sendable, Hashable {
    /// A metric that was measured on a named data set.
    package struct DatasetMetric: Sendable, Hashable {
        package var key: String
        package var value: Double
        package var dataset: String
        package var digest: String?

        package init(key: String, value: Double, dataset: String, digest: String?) {
            self.key = key
            self.value = value
            self.dataset = dataset
            self.digest = digest
        }
    }

    /// nil for a run's model that is no version yet.
    package var version: Int?
    package var runID: RunID?
    /// Who made it, where that is known.
    package var author: String?
    /// The account that made it; nil where nobody proved who they were.
    package var authorAccount: String?
    /// SHA-256 of the model file in hex.
    package var digest: String?
    package var metrics: [Metric]
    package var datasetMetrics: [DatasetMetric] = []
    /// The data that it was judged on: what its run recorded for that purpose.
    package var dataset: DatasetReference?
    package var datasetRows: Int?
    package var evaluatedAt: Timestamp?
    package var tags: [KeyValue] = []
    /// The paths of its run's files.
    package var artifacts: [String] = []
    /// `RUNNING`, `FINISHED`, … or `DELETED`; nil where it has no run.
    package var runStatus: String?
    /// Tensors, features and classes, as JSON.
    package var signature: String?
    /// Why its file cannot be served; nil where it can.
    package var problem: String?
    package var isQuarantined = false
    /// SHA-256 of the file with its predictions row by row.
    package var predictionsDigest: String?
    /// The metrics whose latest value is another one now than in the snapshot.
    package var changedMetrics: [String] = []

    package init(version: Int?, runID: RunID?, digest: String?, metrics: [Metric]) {
        self.version = version
        self.runID = runID
        self.digest = digest
        self.metrics = metrics
    }

    package var json: JSONValue {
        // Facts of nobody in particular keep the form of those from before there were accounts.
        let proof = authorAccount.map { [("author_account", JSONValue.string($0))] } ?? []
        return .object(
            [
                ("version", version.map(JSONValue.int) ?? .null), ("run_id", .optional(runID?.native)),
                ("author", .optional(author)), ("digest", .optional(digest)),
                ("metrics", .object(metrics.map { ($0.key, .finite($0.value)) })),
                (
                    "dataset_metrics",
                    .array(
                        datasetMetrics.map { metric in
                            .object([
                                ("key", .string(metric.key)), ("value", .finite(metric.value)),
                                ("dataset", .string(metric.dataset)), ("digest", .optional(metric.digest)),
                            ])
                        }
                    )
                ),
                ("dataset", .optional(dataset?.name)), ("dataset_digest", .optional(dataset?.digest)),
                ("dataset_rows", datasetRows.map(JSONValue.int) ?? .null),
                ("evaluated_at_ms", evaluatedAt.map { .int($0.milliseconds) } ?? .null),
                ("tags", .object(tags.map { ($0.key, .string($0.value)) })), ("artifacts", .strings(artifacts)),
                ("run_status", .optional(runStatus)), ("signature", .optional(signature)),
                ("problem", .optional(problem)),
                ("quarantined", .bool(isQuarantined)), ("predictions_digest", .optional(predictionsDigest)),
                ("changed_metrics", .strings(changedMetrics)),
            ] + proof
        )
    }

    package init(_ json: JSONValue) {
        self.init(
            version: json["version"]?.integer,
            runID: json["run_id"]?.string.map { RunID(native: $0) },
            digest: json["digest"]?.string,
            metrics: (json["metrics"]?.members ?? []).map { Metric($0.0, $0.1.anyNumber ?? .nan) }
        )
        author = json["author"]?.string
        authorAccount = json["author_account"]?.string
        datasetMetrics = (json["dataset_metrics"]?.elements ?? []).map { metric in
            DatasetMetric(
                key: metric["key"]?.string ?? "",
                value: metric["value"]?.anyNumber ?? .nan,
                dataset: metric["dataset"]?.string ?? "",
                digest: metric["digest"]?.string
            )
        }
        dataset = json["dataset"]?.string.map { DatasetReference(name: $0, digest: json["dataset_digest"]?.string) }
        datasetRows = json["dataset_rows"]?.integer
        evaluatedAt = json["evaluated_at_ms"]?.integer.map(Timestamp.init(milliseconds:))
        tags = (json["tags"]?.members ?? []).map { KeyValue(key: $0.0, value: $0.1.string ?? "") }
        artifacts = json["artifacts"]?.strings ?? []
        runStatus = json["run_status"]?.string
        signature = json["signature"]?.string
        problem = json["problem"]?.string
        isQuarantined = json["quarantined"]?.boolean ?? false
        predictionsDigest = json["predictions_digest"]?.string
        changedMetrics = json["changed_metrics"]?.strings ?? []
    }
}
