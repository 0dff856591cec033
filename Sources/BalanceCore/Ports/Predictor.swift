/// A loaded model that answers.
package protocol Predictor: Sendable {
    /// The name of its type, as `/version` shows it.
    var modelType: String { get }
    /// How many numbers a row has.
    var featureCount: Int { get }
    /// The names of the features in their order; nil where the file does not tell.
    var featureNames: [String]? { get }
    /// The labels that ``outputs(_:)`` answers for, in that order; empty for a regressor.
    var classes: [String] { get }
    /// Whether a classifier knows more than which label it chooses.
    var hasProbabilities: Bool { get }
    /// Whether a row may have NaN for a value that is missing.
    var acceptsMissing: Bool { get }
    /// Of a classifier the probability of each class, or 1 for the label that it chooses; of a regressor one value.
    ///
    /// The row has ``featureCount`` numbers.
    func outputs(_ row: [Double]) -> [Double]
}

/// Reads model files of any supported format, told by the content.
package protocol ModelReader: Sendable {
    /// - Throws: `Failure` with code `modelNotReadable` that names what the file holds instead.
    func predictor(from bytes: [UInt8]) throws -> LoadedModel
    /// The file beside an `MLmodel` that holds the model, as the text of that `MLmodel` says.
    ///
    /// - Throws: `Failure` with code `modelNotReadable` that names the flavors, where none can be executed.
    func dataFile(inManifest bytes: [UInt8]) throws -> String
}

/// A model and what its file says of itself.
package struct LoadedModel: Sendable {
    package var predictor: any Predictor
    /// The name of the format, as `joblib`.
    package var format: String
    /// A row of the training data and the probability that the trainer got for it, where the file has one.
    package var golden: GoldenRow?

    package init(predictor: any Predictor, format: String, golden: GoldenRow? = nil) {
        self.predictor = predictor
        self.format = format
        self.golden = golden
    }
}

/// An input whose answer is known, for the test of a loaded model.
package struct GoldenRow: Sendable, Hashable {
    package var features: [Double]
    package var probability: Double

    package init(features: [Double], probability: Double) {
        self.features = features
        self.probability = probability
    }
}
