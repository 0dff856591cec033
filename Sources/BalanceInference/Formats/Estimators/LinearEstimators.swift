import BalanceCore

/// scikit-learn's linear models and other models without trees.
extension EstimatorConverter {
    static let linearModels: [String: ToModel] = [
        "sklearn.linear_model._logistic.LogisticRegression": { try logisticRegression($0) },
        "sklearn.linear_model._base.LinearRegression": { try linear($0, isClassifier: false) },
        "sklearn.linear_model._ridge.Ridge": { try linear($0, isClassifier: false) },
        "sklearn.linear_model._coordinate_descent.Lasso": { try linear($0, isClassifier: false) },
        "sklearn.linear_model._coordinate_descent.ElasticNet": { try linear($0, isClassifier: false) },
        "sklearn.linear_model._stochastic_gradient.SGDRegressor": { try linear($0, isClassifier: false) },
        "sklearn.svm._classes.LinearSVR": { try linear($0, isClassifier: false) },
        "sklearn.linear_model._ridge.RidgeClassifier": { try linear($0, isClassifier: true) },
        "sklearn.svm._classes.LinearSVC": { try linear($0, isClassifier: true) },
        "sklearn.linear_model._stochastic_gradient.SGDClassifier": { try gradientDescent($0) },
        "sklearn.calibration.CalibratedClassifierCV": { try calibrated($0) },
        "sklearn.neural_network._multilayer_perceptron.MLPClassifier": { try network($0, isClassifier: true) },
        "sklearn.neural_network._multilayer_perceptron.MLPRegressor": { try network($0, isClassifier: false) },
        "sklearn.neighbors._classification.KNeighborsClassifier": { try neighbors($0, isClassifier: true) },
        "sklearn.neighbors._regression.KNeighborsRegressor": { try neighbors($0, isClassifier: false) },
        "sklearn.naive_bayes.GaussianNB": { try gaussianBayes($0) },
        "balanceops.models.dummy.DummyBalanceModel": { try dummy($0) },
    ]

    /// Weights with a row for each output, and as many intercepts.
    private static func weights(_ view: ObjectView) throws -> ([[Double]], [Double]) {
        guard let flat = view["coef_"]?.doubles, let shape = view["coef_"]?.shape, (1...2).contains(shape.count),
            let width = shape.last, width > 0, flat.count == shape.reduce(1, *)
        else { throw refusal("a \(view.kind) that was not fitted") }
        let rows = flat.count / width
        var intercepts = view["intercept_"]?.doubles ?? view["intercept_"]?.double.map { [$0] } ?? []
        if intercepts.count == 1, rows > 1 { intercepts = [Double](repeating: intercepts[0], count: rows) }
        guard intercepts.count == rows, (flat + intercepts).allSatisfy(\.isFinite) else {
            throw refusal("a \(view.kind) with inconsistent weights and intercepts")
        }
        return ((0..<rows).map { Array(flat[$0 * width..<($0 + 1) * width]) }, intercepts)
    }

    private static func logisticRegression(_ view: ObjectView) throws -> any RowModel {
        let (weights, intercepts) = try weights(view)
        let classes = try classes(view)
        guard classes.count == (weights.count == 1 ? 2 : weights.count) else {
            throw refusal("a LogisticRegression with inconsistent weights and classes")
        }
        return LogisticClassifier(
            classes: classes,
            weights: weights,
            intercepts: intercepts,
            link: try logisticLink(view, classes.count),
            sharesNothing: isBefore(view, 9) != true
        )
    }

    private static func logisticLink(_ view: ObjectView, _ classes: Int) throws -> LogisticClassifier.Link {
        let (mode, solver) = (view["multi_class"]?.string ?? "auto", view["solver"]?.string)
        switch mode {
        case "multinomial": return classes == 2 ? .softmaxOfTwo : .softmax
        case "ovr": return .oneVersusRest
        case "auto", "deprecated", "warn": break
        default: throw refusal("a LogisticRegression with multi_class='\(mode)'")
        }
        if mode == "warn" || solver == "liblinear" { return .oneVersusRest }
        guard solver == "newton-cholesky", classes > 2 else { return .softmax }
        // Until 1.5 that solver knew two classes only, and took several one by one.
        guard let isOld = isBefore(view, 6) else {
            throw refusal("a newton-cholesky LogisticRegression without a version")
        }
        return isOld ? .oneVersusRest : .softmax
    }

    /// Refuses a classifier that gives several labels a row.
    private static func requireOneLabel(_ view: ObjectView) throws {
        let type = view["_label_binarizer"]?["y_type_"]?.string ?? "multiclass"
        guard ["binary", "multiclass"].contains(type), view["outputs_2d_"]?.bool != true else {
            throw refusal("a \(view.kind) with several labels per row")
        }
    }

    private static func linear(_ view: ObjectView, isClassifier: Bool) throws -> any RowModel {
        let (weights, intercepts) = try weights(view)
        guard isClassifier else {
            guard weights.count == 1 else { throw refusal("a \(view.kind) with several outputs") }
            return LinearModel(classes: [], weights: weights, intercepts: intercepts)
        }
        try requireOneLabel(view)
        guard let classes = labels(of: view)?.labels,
            classes.count == (weights.count == 1 ? 2 : weights.count)
        else { throw refusal("a \(view.kind) with inconsistent weights and classes") }
        return LinearModel(classes: classes, weights: weights, intercepts: intercepts)
    }

    private static func gradientDescent(_ view: ObjectView) throws -> any RowModel {
        let loss = view["loss"]?.string ?? ""
        guard ["log_loss", "log", "modified_huber"].contains(loss) else { return try linear(view, isClassifier: true) }
        let (weights, intercepts) = try weights(view)
        let classes = try classes(view)
        guard classes.count == (weights.count == 1 ? 2 : weights.count) else {
            throw refusal("a \(view.kind) with inconsistent weights and classes")
        }
        return LogisticClassifier(
            classes: classes,
            weights: weights,
            intercepts: intercepts,
            link: loss == "modified_huber" ? .clipped : .oneVersusRest,
            sharesNothing: isBefore(view, 9) != true
        )
    }

    private static func calibrated(_ view: ObjectView) throws -> any RowModel {
        let classes = try classes(view)
        guard let folds = view["calibrated_classifiers_"]?.elements, !folds.isEmpty else {
            throw refusal("a CalibratedClassifierCV that was not fitted")
        }
        let estimators = folds.compactMap { ($0["estimator"] ?? $0["base_estimator"])?.index }
        guard folds.count <= 1000, Set(folds.map(\.index)).count == folds.count, estimators.count == folds.count else {
            throw refusal("a CalibratedClassifierCV with a duplicate fold or more than 1000 folds")
        }
        let all = try folds.map { try fold($0, classes: classes.count) }
        let count = all[0].featureCount
        guard all.allSatisfy({ $0.featureCount == count }) else {
            throw refusal("a CalibratedClassifierCV with folds for different numbers of features")
        }
        return Calibrated(classes: classes, featureCount: count, folds: all.map(\.fold))
    }

    private static func fold(
        _ view: ObjectView,
        classes: Int
    ) throws -> (fold: Calibrated.Fold, featureCount: Int) {
        guard var estimator = view["estimator"] ?? view["base_estimator"],
            let calibrators = view["calibrators"]?.elements, calibrators.count == (classes == 2 ? 1 : classes)
        else { throw refusal("a CalibratedClassifierCV with unreadable folds") }
        if estimator.className == "sklearn.frozen._frozen.FrozenEstimator" {
            estimator = estimator["estimator"] ?? estimator
        }
        let (before, last) = try parts(of: estimator)
        let steps = try before.flatMap(transform).followingSparsity()
        let read = try decisions(last)
        let model = steps.isSparse(after: false) ? read.onSparse() : read
        let width = model.classes.isEmpty ? decisionCount(model) : model.classes.count
        guard width == classes || (classes == 2 && width == 1) else {
            throw refusal("a CalibratedClassifierCV over \(last.kind) with other classes")
        }
        let declared =
            try entry(estimator)["n_features_in_"]?.integer ?? (steps.isEmpty ? model.featureCount : nil)
        var reached = declared
        for step in steps { reached = reached.flatMap(step.outputCount) }
        guard let declared, reached == model.featureCount else {
            throw refusal("a CalibratedClassifierCV with inconsistent steps")
        }
        return (.init(steps: steps, model: model, maps: try calibrators.map(calibration)), declared)
    }

    /// What a classifier says before it is calibrated: its decisions where it has some, else its probabilities.
    private static func decisions(_ view: ObjectView) throws -> any RowModel {
        if let (weights, intercepts) = try? weights(view) {
            return LinearModel(classes: [], weights: weights, intercepts: intercepts)
        }
        let isScored =
            view.className?.hasSuffix("BoostingClassifier") == true
            // LightGBM's wrapper has decisions since 4.7, which this attribute came with.
            || view.className == "lightgbm.sklearn.LGBMClassifier" && view["_fitted_with_feature_names"] != nil
        return isScored ? try scores(model(view)) : try model(view)
    }

    /// A boosted model that answers with its raw scores.
    private static func scores(_ model: any RowModel) throws -> any RowModel {
        if var trees = model as? BoostedTrees {
            (trees.link, trees.classes, trees.choice) = (.identity, [], nil)
            return trees
        }
        guard var staged = model as? Staged else { throw refusal("a CalibratedClassifierCV over another model") }
        staged.model = try scores(staged.model)
        return staged
    }

    private static func decisionCount(_ model: any RowModel) -> Int? {
        switch model {
        case let linear as LinearModel: linear.weights.count
        case let trees as BoostedTrees: trees.base.count
        case let staged as Staged: decisionCount(staged.model)
        default: nil
        }
    }

    private static func calibration(_ view: ObjectView) throws -> Calibrated.Map {
        if let slope = view["a_"]?.double, let offset = view["b_"]?.double {
            return .sigmoid(slope: slope, offset: offset)
        }
        guard view.className == "sklearn.isotonic.IsotonicRegression",
            let decisions = view["X_thresholds_"]?.doubles, let shares = view["y_thresholds_"]?.doubles,
            decisions.count == shares.count, !shares.isEmpty,
            zip(decisions, decisions.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw refusal("a CalibratedClassifierCV with the calibrator \(view.kind)") }
        return .isotonic(decisions: decisions, probabilities: shares)
    }

    private static func network(_ view: ObjectView, isClassifier: Bool) throws -> any RowModel {
        guard let coefficients = view["coefs_"]?.elements, let intercepts = view["intercepts_"]?.elements,
            coefficients.count == intercepts.count, !coefficients.isEmpty,
            let hidden = NeuralNetwork.Activation(rawValue: view["activation"]?.string ?? ""),
            let last = NeuralNetwork.Activation(rawValue: view["out_activation_"]?.string ?? "")
        else { throw refusal("an MLP that was not fitted") }
        let layers = try zip(coefficients, intercepts).map { coefficient, intercept in
            guard let matrix = coefficient.matrix, let biases = intercept.doubles, let width = matrix.first?.count,
                biases.count == width
            else { throw refusal("an MLP with inconsistent layers") }
            return (weights: (0..<width).map { column in matrix.map { $0[column] } }, biases: biases)
        }
        for (before, after) in zip(layers, layers.dropFirst()) where after.weights.first?.count != before.biases.count {
            throw refusal("an MLP with inconsistent layers")
        }
        let classes = isClassifier ? try classes(view) : []
        let width = layers.last?.biases.count ?? 0
        guard width == (classes.count == 2 || !isClassifier ? 1 : classes.count) else {
            throw refusal("an MLP with several outputs")
        }
        try requireOneLabel(view)
        let wanted: [NeuralNetwork.Activation] =
            !isClassifier ? [.identity, .exp] : classes.count == 2 ? [.logistic] : [.softmax]
        guard wanted.contains(last) else { throw refusal("an MLP with the output '\(last.rawValue)'") }
        return NeuralNetwork(classes: classes, layers: layers, hidden: hidden, last: last)
    }

    private static func neighbors(_ view: ObjectView, isClassifier: Bool) throws -> any RowModel {
        guard let rows = view["_fit_X"]?.matrix, let targets = view["_y"]?.doubles, rows.count == targets.count,
            let count = view["n_neighbors"]?.integer, count > 0, count <= rows.count
        else { throw refusal("a nearest-neighbours model that was not fitted on a table") }
        let metric = view["effective_metric_"]?.string ?? view["metric"]?.string ?? ""
        try requireOneLabel(view)
        // What the metric was told counts before the attribute.
        let told = view["effective_metric_params_"]
        if let unknown = told?.keys.first(where: { !["p", "w"].contains($0) && told?[$0] != nil }) {
            throw refusal("a nearest-neighbours model with the metric parameter '\(unknown)'")
        }
        let exponent = told?["p"]?.double ?? view["p"]?.double ?? 2
        let powers = ["euclidean": 2.0, "manhattan": 1, "chebyshev": .infinity, "minkowski": exponent]
        let factors = told?["w"]?.doubles ?? []
        guard
            told?["w"] == nil
                || metric == "minkowski" && factors.count == rows.first?.count
                    && factors.allSatisfy({ $0.isFinite && $0 >= 0 })
        else { throw refusal("a nearest-neighbours model with unreadable column weights") }
        guard let power = powers[metric], let weights = view["weights"]?.string else {
            throw refusal("a nearest-neighbours model with the metric '\(metric)' or custom weights")
        }
        let classes = isClassifier ? try classes(view) : []
        guard !isClassifier || targets.allSatisfy({ $0 >= 0 && Int(exactly: $0).map { $0 < classes.count } == true })
        else {
            throw refusal("a nearest-neighbours model with inconsistent labels and classes")
        }
        return Neighbors(
            classes: classes,
            rows: rows,
            targets: targets,
            count: count,
            isWeighted: weights == "distance",
            power: power,
            factors: factors
        )
    }

    private static func gaussianBayes(_ view: ObjectView) throws -> any RowModel {
        let classes = try classes(view)
        guard let means = view["theta_"]?.matrix, let variances = (view["var_"] ?? view["sigma_"])?.matrix,
            let priors = view["class_prior_"]?.doubles,
            [means.count, variances.count, priors.count].allSatisfy({ $0 == classes.count }),
            (means + variances).allSatisfy({ $0.count == means[0].count })
        else { throw refusal("a GaussianNB that was not fitted") }
        return GaussianBayes(classes: classes, means: means, variances: variances, priors: priors)
    }

    private static func dummy(_ view: ObjectView) throws -> any RowModel {
        guard let weights = view["w"]?.doubles, let intercept = view["b"]?.double,
            (weights + [intercept]).allSatisfy(\.isFinite)
        else { throw refusal("a DummyBalanceModel without weights") }
        // The original takes 8 numbers for a model that does not say how many it wants, and pads or cuts its weights.
        return DummyClassifier(weights: weights, intercept: intercept, featureCount: 8)
    }
}
