import Foundation

/// How MLflow's `pyfunc` asks a model, where that is not plain `predict` of a scikit-learn model.
package enum ScoringMethod: String, Sendable, Equatable {
    case probabilities = "predict_proba"
    case logProbabilities = "predict_log_proba"
    /// XGBoost's or LightGBM's own `Booster`, or their regressor: numbers, also where the objective is one of classes.
    case booster
}

/// An output of a graph for some rows.
package struct ScoringOutput: Sendable {
    package var tensor: Tensor
    /// The labels of the columns, where a row is a map from labels to numbers.
    package var labels: [String]?

    package init(tensor: Tensor, labels: [String]?) {
        self.tensor = tensor
        self.labels = labels
    }
}

/// What stands for a row in an answer of `/invocations`.
package enum ScoringAnswer: Sendable, Equatable {
    case label
    /// A number; of two classes the probability of the second.
    case value
    case probabilities
    case logProbabilities
    /// The place of the chosen class, as a number with a point.
    case classNumber

    package func json(_ model: any Predictor, _ outputs: [Double]) throws -> JSONValue {
        let probabilities = outputs.prefix(model.classes.count)
        switch self {
        case .label,
            .value where model.classes.count != 2:
            let prediction = try Prediction(model, outputs).json
            return prediction["label"] ?? prediction["value"] ?? .null
        case .value: return .double(outputs[1])
        case .probabilities: return .array(probabilities.map(JSONValue.double))
        // The logarithm of 0 has no form in JSON; MLflow's server answers null.
        case .logProbabilities: return .array(probabilities.map { $0 > 0 ? .double(log($0)) : .null })
        case .classNumber: return .double(Double(model.choice(outputs)))
        }
    }
}
