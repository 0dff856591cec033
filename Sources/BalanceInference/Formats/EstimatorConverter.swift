import BalanceCore

/// Turns the estimators of an object graph into something that can be evaluated.
///
/// The two tables name every class that is known; a new estimator is one more line and one more function.
struct EstimatorConverter {
    private typealias ToTransform = @Sendable (ObjectView) throws -> any RowTransform
    private typealias ToClassifier = @Sendable (ObjectView) throws -> any RowClassifier

    private static let transforms: [String: ToTransform] = [
        "sklearn.preprocessing._data.StandardScaler": { try standardScaler($0) }
    ]

    private static let classifiers: [String: ToClassifier] = [
        "sklearn.linear_model._logistic.LogisticRegression": { try logisticRegression($0) },
        "balanceops.models.dummy.DummyBalanceModel": { try dummy($0) },
    ]

    /// The predictor of a whole file: an estimator, or the original's `{"model": …, "feature_names": …}` around one.
    static func predictor(from top: ObjectView) throws -> PipelinePredictor {
        var model = top
        var names: [String]?
        if case .dict = top.node {
            guard let inner = top["model"] else { throw refusal("a dict without the key 'model'") }
            model = inner
            names = top["feature_names"]?.labels
        }
        guard let className = model.className else { throw refusal(model.kind) }
        let (steps, last) = try parts(of: model)
        let classifier = try classifier(last)
        let count = model["n_features_in_"]?.double.flatMap { Int(exactly: $0) } ?? classifier.featureCount
        guard count == classifier.featureCount else {
            throw refusal("\(className) for \(count) features with \(classifier.featureCount) weights")
        }
        names = names ?? model["feature_names_in_"]?.labels ?? steps.first?["feature_names_in_"]?.labels
        return PipelinePredictor(
            modelType: className.split(separator: ".").last.map(String.init) ?? className,
            featureNames: names?.count == count ? names : nil,
            featureCount: count,
            transforms: try steps.map { try transform($0, count: count) },
            classifier: classifier
        )
    }

    /// The transforms and the last step of a pipeline; of any other estimator just itself.
    private static func parts(of model: ObjectView) throws -> ([ObjectView], ObjectView) {
        guard model.className == "sklearn.pipeline.Pipeline" else { return ([], model) }
        guard let steps = model["steps"]?.elements, !steps.isEmpty else { throw refusal("a Pipeline without steps") }
        var estimators: [ObjectView] = []
        for step in steps {
            guard let pair = step.elements, pair.count == 2 else { throw refusal("a Pipeline with a damaged step") }
            if pair[1].isNone || pair[1].string == "passthrough" { continue }
            estimators.append(pair[1])
        }
        guard let last = estimators.last else { throw refusal("a Pipeline without an estimator") }
        return (estimators.dropLast(), last)
    }

    private static func transform(_ view: ObjectView, count: Int) throws -> any RowTransform {
        guard let name = view.className, let convert = transforms[name] else { throw refusal(view.kind) }
        let transform = try convert(view)
        if let scale = transform as? StandardScale,
            [scale.mean.count, scale.scale.count].contains(where: { $0 != 0 && $0 != count })
        {
            throw refusal("a StandardScaler for another number of features")
        }
        return transform
    }

    private static func classifier(_ view: ObjectView) throws -> any RowClassifier {
        guard let name = view.className, let convert = classifiers[name] else { throw refusal(view.kind) }
        return try convert(view)
    }

    private static func standardScaler(_ view: ObjectView) throws -> any RowTransform {
        let mean = view["with_mean"]?.bool == false ? [] : view["mean_"]?.doubles
        let scale = view["with_std"]?.bool == false ? [] : view["scale_"]?.doubles
        guard let mean, let scale else { throw refusal("a StandardScaler that was not fitted") }
        guard (mean + scale).allSatisfy(\.isFinite), !scale.contains(0) else {
            throw refusal("a StandardScaler with numbers that are not finite")
        }
        return StandardScale(mean: mean, scale: scale)
    }

    private static func logisticRegression(_ view: ObjectView) throws -> any RowClassifier {
        guard let flat = view["coef_"]?.doubles, let shape = view["coef_"]?.shape, shape.count == 2, shape[1] > 0,
            let intercepts = view["intercept_"]?.doubles, let classes = view["classes_"]?.labels
        else { throw refusal("a LogisticRegression that was not fitted") }
        let rows = shape[0]
        guard intercepts.count == rows, classes.count == (rows == 1 ? 2 : rows), rows > 0,
            (flat + intercepts).allSatisfy(\.isFinite)
        else { throw refusal("a LogisticRegression whose weights and classes do not fit together") }
        let mode = view["multi_class"]?.string
        return LogisticClassifier(
            classes: classes,
            weights: (0..<rows).map { Array(flat[$0 * shape[1]..<($0 + 1) * shape[1]]) },
            intercepts: intercepts,
            isSoftmaxOfTwo: mode == "multinomial",
            isOneVersusRest: mode == "ovr" || view["solver"]?.string == "liblinear"
        )
    }

    private static func dummy(_ view: ObjectView) throws -> any RowClassifier {
        guard let weights = view["w"]?.doubles, let intercept = view["b"]?.double,
            (weights + [intercept]).allSatisfy(\.isFinite)
        else { throw refusal("a DummyBalanceModel without weights") }
        // The original takes 8 numbers for a model that does not say how many it wants, and pads or cuts its weights.
        return DummyClassifier(weights: weights, intercept: intercept, featureCount: 8)
    }

    private static func refusal(_ what: String) -> Failure {
        Failure(
            .modelNotReadable,
            "the file holds \(what), which cannot be served",
            hint: "docs/model-formats.md lists what can be served"
        )
    }
}
