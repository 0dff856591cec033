import BalanceCore

/// Transforms, one after the other, and a model.
package struct PipelinePredictor: Predictor {
    package var modelType: String
    package var featureNames: [String]?
    package var featureCount: Int
    var transforms: [any RowTransform]
    var model: any RowModel

    package var classes: [String] { model.classes }
    package var hasProbabilities: Bool { model.hasProbabilities }
    package var acceptsMissing: Bool { transforms.first?.acceptsMissing ?? model.acceptsMissing }

    package func outputs(_ row: [Double]) -> [Double] {
        var row = row
        for transform in transforms { row = transform.apply(row) }
        return model.outputs(row)
    }
}
