/// A loaded model that answers.
///
/// Most models judge a row of numbers. One that takes tensors of another form has ``featureCount`` 0 and answers
/// ``infer(_:outputs:)`` alone.
package protocol Predictor: Sendable {
    /// The name of its type, as `/version` shows it.
    var modelType: String { get }
    /// The names of the steps that a row goes through, the model's last.
    var steps: [String] { get }
    /// How many numbers a row has; 0 for a model that does not take rows.
    var featureCount: Int { get }
    /// The names of the features in their order; nil where the file does not tell.
    var featureNames: [String]? { get }
    /// The features that are texts, by their places; a row holds ``TextCode`` for them.
    var textFeatures: Set<Int> { get }
    /// The features that no step looks at, by their places: they may hold anything, or be missing.
    var ignoredFeatures: Set<Int> { get }
    /// The labels that ``outputs(_:)`` answers for, in that order; empty for a regressor.
    var classes: [String] { get }
    /// What the labels are.
    var labelType: LabelType { get }
    /// Whether a classifier knows more than which label it chooses.
    var hasProbabilities: Bool { get }
    /// Whether a row may have NaN for a value that is missing.
    var acceptsMissing: Bool { get }
    /// Whether a row may have infinite numbers.
    var acceptsInfinite: Bool { get }
    /// About how many simple steps a row takes, whatever it holds: a thousand are some microseconds.
    var rowCost: Int { get }
    /// Of a classifier the probability of each class, or 1 for the label that it chooses, and perhaps the place of the label
    /// that it chooses behind them (``choice(_:)``); of a regressor one value.
    ///
    /// The row has ``featureCount`` numbers.
    ///
    /// - Throws: `RowRefusal`, or a `Failure` of the library that executes the model.
    func outputs(_ row: [Double]) throws -> [Double]
    /// The outputs of many rows whose cells may be texts.
    func outputs(of rows: [[Cell]]) throws -> [[Double]]
    /// The names, types and shapes of its tensors.
    var signature: ModelSignature { get }
    /// The same model with names for its features, where it has none and they are as many.
    func naming(_ names: [String]) -> any Predictor
    /// How `/invocations` asks it; nil for its labels or values.
    var scoringMethod: ScoringMethod? { get }
    /// Whether `/invocations` answers all outputs by their names.
    var answersByOutput: Bool { get }
    /// All outputs for rows, where ``answersByOutput``; else nil.
    func scoringOutputs(of rows: [[Cell]]) throws -> [ScoringOutput]?
    /// What `/invocations` answers for a row.
    var scoringAnswer: ScoringAnswer { get }
    /// The same model as `/invocations` asks it.
    ///
    /// - Throws: `Failure` with code `modelNotReadable` where it cannot be asked so.
    func answering(_ method: ScoringMethod) throws -> any Predictor
    /// Answers tensors that fit the signature, with the outputs that are wanted; all where none is named.
    ///
    /// - Throws: `Failure` with code `invalidParameter` that names what does not fit.
    func infer(_ inputs: [Tensor], outputs wanted: [String]) throws -> [Tensor]
}

extension Predictor {
    package var textFeatures: Set<Int> { [] }
    package var ignoredFeatures: Set<Int> { [] }
    package var labelType: LabelType { .text }
    package var steps: [String] { [modelType] }
    package var acceptsInfinite: Bool { false }
    package var rowCost: Int { 1 << 40 }
    package func naming(_ names: [String]) -> any Predictor { self }
    package var scoringMethod: ScoringMethod? { nil }
    package var answersByOutput: Bool { false }
    package func scoringOutputs(of rows: [[Cell]]) throws -> [ScoringOutput]? { nil }
    package var scoringAnswer: ScoringAnswer { classes.isEmpty ? .value : .label }
    package func answering(_ method: ScoringMethod) throws -> any Predictor { self }

    package func outputs(of rows: [[Cell]]) throws -> [[Double]] {
        try rows.enumerated().map { index, row in
            do {
                return try outputs(row.map(\.code))
            } catch var refusal as RowRefusal {
                refusal.row = index
                throw refusal
            }
        }
    }

    /// The place of the label that an answer chooses: what stands behind the probabilities where that is not the largest of
    /// them, as where a decision chooses.
    package func choice(_ outputs: [Double]) -> Int {
        outputs.count == classes.count + 1 ? Int(outputs[classes.count]) : TabularInference.best(outputs)
    }

    /// A label as JSON, in the type that the model knows it by.
    package func label(_ index: Int) -> JSONValue { labelType.json(classes[index]) }
}

/// What the labels of a classifier are.
package enum LabelType: String, Sendable {
    case int, double, bool, text

    /// A label as JSON.
    package func json(_ label: String) -> JSONValue {
        switch self {
        case .int: Int(label).map(JSONValue.int) ?? .string(label)
        case .double: Double(label).map(JSONValue.double) ?? .string(label)
        case .bool: .bool(label == "True")
        case .text: .string(label)
        }
    }
}

/// A value of a row.
package enum Cell: Sendable, Hashable {
    case number(Double)
    case text(String)

    /// The number that stands for it in a row.
    package var code: Double {
        switch self {
        case .number(let number): number
        case .text(let text): TextCode.of(text)
        }
    }
}

/// The numbers that stand for texts in a row, so that what evaluates rows sees numbers alone.
package enum TextCode {
    /// A whole number below 2^53 that is the same for the same bytes: FNV-1a, folded.
    ///
    /// Two texts of one list having the same number is as likely as 2^-52; whoever reads a list of texts checks it.
    package static func of(_ text: String) -> Double {
        let hash = FNV1a.hash(text.utf8)
        return Double(hash >> 12 ^ hash & 0xFFF) + 1
    }
}

/// Why a model does not take a row.
package struct RowRefusal: Error {
    /// The place of the row in a request.
    package var row = 0
    /// The place of the feature, where one is to blame.
    package var column: Int?
    package var reason: String

    package init(column: Int?, reason: String) {
        self.column = column
        self.reason = reason
    }
}

/// What a model takes and gives, as tensors.
package struct ModelSignature: Sendable, Equatable {
    package var inputs: [TensorSpec]
    package var outputs: [TensorSpec]

    package init(inputs: [TensorSpec], outputs: [TensorSpec]) {
        self.inputs = inputs
        self.outputs = outputs
    }

    /// Whether the first dimension of every tensor is free: that of a batch.
    package var isBatched: Bool { (inputs + outputs).allSatisfy { $0.shape.first == -1 } }

    package var json: JSONValue {
        func list(_ specs: [TensorSpec]) -> JSONValue {
            .array(
                specs.map { spec in
                    .object([
                        ("name", .string(spec.name)), ("datatype", .string(spec.type.rawValue)),
                        ("shape", .array(spec.shape.map(JSONValue.int))),
                    ])
                }
            )
        }
        return .object([("inputs", list(inputs)), ("outputs", list(outputs))])
    }
}

extension Predictor {
    /// What is recorded of a version: tensors, features and classes.
    package var signatureJSON: JSONValue { signatureJSON(ColumnTypes([])) }

    /// The same with the types of the columns in its MLflow signature.
    package func signatureJSON(_ types: ColumnTypes) -> JSONValue {
        let names = featureNames.map(JSONValue.strings) ?? .null
        return .object([
            ("inputs", signature.json["inputs"] ?? .null), ("outputs", signature.json["outputs"] ?? .null),
            ("feature_names", names), ("classes", .array(classes.indices.map(label))),
            ("scoring_method", (scoringMethod?.rawValue).map(JSONValue.string) ?? .null),
            ("column_types", types.json),
        ])
    }
}

/// Reads model files of any supported format, told by the content.
package protocol ModelReader: Sendable {
    /// - Throws: `Failure` with code `modelNotReadable` that names what the file holds instead.
    func predictor(from bytes: [UInt8]) throws -> LoadedModel
    /// The same for bytes whose SHA-256 is known, so that a model that is in memory need not be read again.
    ///
    /// - Throws: as ``predictor(from:)`` does.
    func predictor(from bytes: [UInt8], digest: String) throws -> LoadedModel
    /// What an `MLmodel` says of the model beside it.
    ///
    /// - Throws: `Failure` with code `modelNotReadable` that names the flavors, where none can be executed.
    func manifest(from bytes: [UInt8]) throws -> ModelDescription
}

extension ModelReader {
    package func predictor(from bytes: [UInt8], digest: String) throws -> LoadedModel { try predictor(from: bytes) }
}

/// What an `MLmodel` file says of a model.
package struct ModelDescription: Sendable {
    /// The file beside it that holds the model.
    package var dataFile: String
    /// The names of the columns of its signature, where they have names.
    package var columns: [String]?
    /// The file beside it with an example of a request in the form of MLflow's scoring server.
    package var exampleFile: String?
    /// How MLflow's `pyfunc` asks the model.
    package var scoringMethod: ScoringMethod?
    /// The types of the columns of its signature.
    package var types: ColumnTypes

    package init(
        dataFile: String,
        columns: [String]?,
        exampleFile: String?,
        scoringMethod: ScoringMethod? = nil,
        types: ColumnTypes = ColumnTypes([])
    ) {
        self.types = types
        self.dataFile = dataFile
        self.columns = columns
        self.exampleFile = exampleFile
        self.scoringMethod = scoringMethod
    }
}

extension Predictor {
    /// The same model with what is known of it beside its file.
    ///
    /// - Throws: `Failure` with code `modelNotReadable` where it cannot be asked so.
    package func completed(names: [String]?, scoringMethod: ScoringMethod?) throws -> any Predictor {
        let named = names.map(naming) ?? self
        return try scoringMethod.map(named.answering) ?? named
    }
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
