/// A data set that a run used.
package struct DatasetInput: Sendable {
    package var name: String
    /// Tells this state of the data from others; with the name it is the data set's identity in an experiment.
    package var digest: String
    package var sourceType: String
    package var source: String
    package var schema: String?
    package var profile: String?
    package var tags: [KeyValue]

    package init(
        name: String,
        digest: String,
        sourceType: String,
        source: String,
        schema: String?,
        profile: String?,
        tags: [KeyValue]
    ) {
        self.name = name
        self.digest = digest
        self.sourceType = sourceType
        self.source = source
        self.schema = schema
        self.profile = profile
        self.tags = tags
    }

    /// What the data was used for: the value of the tag `mlflow.data.context`.
    package var context: String? { tags.last { $0.key == "mlflow.data.context" }?.value }
}
