import BalanceCore

/// Turns the estimators of an object graph into something that can be evaluated.
///
/// The tables name every class that is known; a new estimator is one more line and one more function.
enum EstimatorConverter {
    typealias ToTransform = @Sendable (ObjectView) throws -> any RowTransform
    typealias ToModel = @Sendable (ObjectView) throws -> any RowModel

    private static let models: [String: ToModel] = linearModels.merging(treeModels) { $1 }
        .merging(boosters) { $1 }

    /// The predictor of a whole file: an estimator, or the original's `{"model": …, "feature_names": …}` around one.
    static func predictor(from top: ObjectView) throws -> PipelinePredictor {
        try KnownAttributes.check(top.graph)
        var model = top
        var names: [String]?
        if case .dict = top.node {
            guard let inner = top["model"] else { throw refusal("a dict without the key 'model'") }
            model = inner
            names = top["feature_names"]?.labels
        }
        guard let className = model.className else { throw refusal(model.kind) }
        let (steps, last) = try parts(of: model)
        let transforms = try steps.flatMap(transform).followingSparsity()
        guard transforms.count <= 1000 else { throw refusal("a Pipeline with too many steps") }
        let read = try self.model(last)
        let final = transforms.isSparse(after: false) ? read.onSparse() : read
        let first = try entry(model)
        let count = try featureCount(model["n_features_in_"] ?? first["n_features_in_"], transforms, final, className)
        names = names ?? model["feature_names_in_"]?.labels ?? first["feature_names_in_"]?.labels
        if transforms.isEmpty { names = names ?? final.featureNames }
        return PipelinePredictor(
            modelType: className.split(separator: ".").last.map(String.init) ?? className,
            featureNames: names?.count == count ? names : nil,
            featureCount: count,
            transforms: transforms,
            model: final,
            labelType: labels(of: last)?.labelType ?? (hasWholeLabels(final) ? .int : .text),
            stepNames: (steps + [last]).map { $0.kind.split(separator: ".").last.map(String.init) ?? $0.kind }
        )
    }

    /// The step that a row comes to first: of pipelines, one in another, the first that says what it takes.
    static func entry(_ model: ObjectView, depth: Int = 0) throws -> ObjectView {
        guard model.className == pipeline, depth < 16 else { return model }
        let (before, last) = try parts(of: model)
        let all = before + [last]
        // A FunctionTransformer of scikit-learn 1.1 does not say it; it hands on what it gets.
        let speaks = all.first { $0.className == pipeline || $0["n_features_in_"] != nil }
        return try entry(speaks ?? all[0], depth: depth + 1)
    }

    /// (major, minor) of the scikit-learn that fitted an estimator; nil where the file does not tell.
    static func version(_ view: ObjectView) -> (Int, Int)? {
        guard let parts = view["_sklearn_version"]?.string?.split(separator: "."), parts.count >= 2,
            let major = Int(parts[0]), let minor = Int(parts[1])
        else { return nil }
        return (major, minor)
    }

    /// Whether an estimator was fitted before scikit-learn 1.`minor`; nil where the file does not tell.
    static func isBefore(_ view: ObjectView, _ minor: Int) -> Bool? { version(view).map { $0 < (1, minor) } }

    /// The labels of a classifier; RidgeClassifier keeps them in a binarizer, LightGBM's wrapper under a name of its own.
    static func labels(of view: ObjectView) -> ObjectView? {
        view["classes_"] ?? view["_label_binarizer"]?["classes_"] ?? view["_classes"]
    }

    private static func hasWholeLabels(_ model: any RowModel) -> Bool {
        model is IsolationTrees || model is SingleTrees || model is BoostedTrees
    }

    /// How many numbers a row has, if all steps agree.
    private static func featureCount(
        _ declared: ObjectView?,
        _ transforms: [any RowTransform],
        _ model: any RowModel,
        _ className: String
    ) throws -> Int {
        guard let count = declared?.integer ?? (transforms.isEmpty ? model.featureCount : nil), count > 0,
            count < 1 << 24
        else { throw refusal("a \(className) that does not say how many features it takes") }
        var width: Int? = count
        for transform in transforms { width = width.flatMap(transform.outputCount) }
        guard let width, width == model.featureCount else {
            throw refusal("\(className) for \(count) features with steps for other numbers of features")
        }
        return count
    }

    /// The transforms and the last step of a pipeline; of any other estimator just itself.
    static func parts(of model: ObjectView, depth: Int = 0) throws -> ([ObjectView], ObjectView) {
        guard model.className == pipeline else { return ([], model) }
        guard depth < 16 else { throw refusal("Pipelines that nest deeper than 16 levels") }
        let estimators = try steps(of: model)
        guard let last = estimators.last else { throw refusal("a Pipeline without an estimator") }
        let (before, end) = try parts(of: last, depth: depth + 1)
        return (estimators.dropLast() + before, end)
    }

    static let pipeline = "sklearn.pipeline.Pipeline"

    /// The estimators of a pipeline that do something.
    static func steps(of model: ObjectView) throws -> [ObjectView] {
        guard let steps = model["steps"]?.elements, !steps.isEmpty else { throw refusal("a Pipeline without steps") }
        return try steps.compactMap { step in
            guard let pair = step.elements, pair.count == 2 else { throw refusal("a Pipeline with a damaged step") }
            return pair[1].isNone || pair[1].string == "passthrough" ? nil : pair[1]
        }
    }

    static func model(_ view: ObjectView) throws -> any RowModel {
        guard let name = view.className, let convert = models[name] else { throw refusal(view.kind) }
        return try convert(view)
    }

    /// The labels of a classifier.
    static func classes(_ view: ObjectView) throws -> [String] {
        guard let classes = view["classes_"]?.labels, classes.count > 1 else {
            throw refusal("a \(view.kind) without classes")
        }
        return classes
    }

    /// The failure that says what a file holds instead of something that can be served.
    static func refusal(_ what: String) -> Failure {
        Failure(
            .modelNotReadable,
            "the file has \(what), which is not supported",
            hint: "docs/model-formats.md lists what can be served"
        )
    }
}
