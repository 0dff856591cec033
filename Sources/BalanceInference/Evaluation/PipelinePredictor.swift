package import BalanceCore

/// Transforms, one after the other, and a model.
package struct PipelinePredictor: Predictor {
    package var modelType: String
    package var featureNames: [String]?
    package var featureCount: Int
    let transforms: [any RowTransform]
    let model: any RowModel

    package var labelType = LabelType.text
    package var scoringMethod: ScoringMethod?
    /// What the booster's own `predict` answers, where that is not a label or value as this model has it.
    var boosterAnswer: ScoringAnswer?
    package var scoringAnswer: ScoringAnswer {
        switch scoringMethod {
        case .probabilities: return .probabilities
        case .logProbabilities: return .logProbabilities
        case .booster: if let boosterAnswer { return boosterAnswer }
        case nil: break
        }
        return classes.isEmpty ? .value : .label
    }
    package var stepNames: [String] = []
    package var steps: [String] { stepNames.isEmpty ? [modelType] : stepNames }

    package var classes: [String] { model.classes }
    /// Kept, since they are asked for with every cell of a request.
    package private(set) var textFeatures: Set<Int>
    package private(set) var ignoredFeatures: Set<Int>
    package var hasProbabilities: Bool { model.hasProbabilities }
    package var acceptsMissing: Bool { transforms.acceptsMissing(before: model.acceptsMissing) }
    package var acceptsInfinite: Bool { transforms.isEmpty && model.acceptsInfinite }

    package var rowCost: Int { transforms.reduce(model.cost) { $0 + $1.cost } }

    init(
        modelType: String,
        featureNames: [String]?,
        featureCount: Int,
        transforms: [any RowTransform],
        model: any RowModel,
        labelType: LabelType = .text,
        stepNames: [String] = []
    ) {
        self.modelType = modelType
        self.featureNames = featureNames
        self.featureCount = featureCount
        self.transforms = transforms
        self.model = model
        self.labelType = labelType
        self.stepNames = stepNames
        textFeatures = transforms.isEmpty ? model.textColumns : transforms.textColumns
        let used = (transforms.first as? Columns)?.usedColumns
        ignoredFeatures = used.map { Set(0..<featureCount).subtracting($0) } ?? []
    }

    package func naming(_ names: [String]) -> any Predictor {
        // What a file knows of itself counts, but LightGBM writes `_` for white space.
        let isSame = featureNames.map { $0 == names.map { $0.replacing(" ", with: "_") } } ?? true
        guard isSame, names.count == featureCount, Set(names).count == names.count else { return self }
        var named = self
        named.featureNames = names
        return named
    }

    package func answering(_ method: ScoringMethod) throws -> any Predictor {
        guard method == .booster || hasProbabilities else {
            throw Failure(
                .modelNotReadable,
                "the MLmodel requires \(method.rawValue), but the model has no probabilities",
                hint: "log the model with pyfunc_predict_fn=\"predict\""
            )
        }
        var asked = self
        asked.scoringMethod = method
        return asked
    }

    package func outputs(_ row: [Double]) throws -> [Double] {
        try transforms.isEmpty ? model.outputs(row) : model.checkedOutputs(transforms.apply(row))
    }
}
