package import BalanceCore

/// Transforms, one after the other, and a model.
package struct PipelinePredictor: Predictor {
    package var modelType: String
    package var featureNames: [String]?
    package var featureCount: Int
    var transforms: [any RowTransform]
    var model: any RowModel

    package var labelType = LabelType.text
    package var scoringMethod: ScoringMethod?
    /// What the booster's own `predict` answers, where that is not a label or value as this model has it.
    var boosterAnswer: ScoringAnswer?
    package var scoringAnswer: ScoringAnswer {
        switch scoringMethod {
        case .probabilities: .probabilities
        case .logProbabilities: .logProbabilities
        case .booster: boosterAnswer ?? (classes.isEmpty ? .value : .label)
        case nil: classes.isEmpty ? .value : .label
        }
    }
    package var stepNames: [String] = []
    package var steps: [String] { stepNames.isEmpty ? [modelType] : stepNames }

    package var classes: [String] { model.classes }
    package var textFeatures: Set<Int> { transforms.isEmpty ? model.textColumns : transforms.textColumns }
    package var ignoredFeatures: Set<Int> {
        guard let used = (transforms.first as? Columns)?.usedColumns else { return [] }
        return Set(0..<featureCount).subtracting(used)
    }
    package var hasProbabilities: Bool { model.hasProbabilities }
    package var acceptsMissing: Bool { transforms.acceptsMissing(before: model.acceptsMissing) }
    package var acceptsInfinite: Bool { transforms.isEmpty && model.acceptsInfinite }

    package var rowCost: Int { transforms.reduce(model.cost) { $0 + $1.cost } }

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
                "the MLmodel asks for \(method.rawValue), and the model has no probabilities",
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
