import BalanceCore

/// Transforms, one after the other, and a classifier.
package struct PipelinePredictor: Predictor {
    package var modelType: String
    package var featureNames: [String]?
    package var featureCount: Int
    var transforms: [any RowTransform]
    var classifier: any RowClassifier

    package var classes: [String] { classifier.classes }

    package func probabilities(_ row: [Double]) -> [Double] {
        var row = row
        for transform in transforms { transform.apply(to: &row) }
        return classifier.probabilities(row)
    }
}
