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
            throw refusal("a \(view.kind) whose weights and intercepts do not fit together")
        }
        return ((0..<rows).map { Array(flat[$0 * width..<($0 + 1) * width]) }, intercepts)
    }

    private static func logisticRegression(_ view: ObjectView) throws -> any RowModel {
        let (weights, intercepts) = try weights(view)
        let classes = try classes(view)
        guard classes.count == (weights.count == 1 ? 2 : weights.count) else {
            throw refusal("a LogisticRegression whose weights and classes do not fit together")
        }
        let mode = view["multi_class"]?.string
        return LogisticClassifier(
            classes: classes,
            weights: weights,
            intercepts: intercepts,
            isSoftmaxOfTwo: mode == "multinomial",
            isOneVersusRest: mode == "ovr" || view["solver"]?.string == "liblinear"
        )
    }

    private static func linear(_ view: ObjectView, isClassifier: Bool) throws -> any RowModel {
        let (weights, intercepts) = try weights(view)
        guard isClassifier else {
            guard weights.count == 1 else { throw refusal("a \(view.kind) with several outputs") }
            return LinearModel(classes: [], weights: weights, intercepts: intercepts)
        }
        guard let classes = labels(of: view)?.labels,
            classes.count == (weights.count == 1 ? 2 : weights.count)
        else { throw refusal("a \(view.kind) whose weights and classes do not fit together") }
        return LinearModel(classes: classes, weights: weights, intercepts: intercepts)
    }

    private static func gradientDescent(_ view: ObjectView) throws -> any RowModel {
        guard ["log_loss", "log"].contains(view["loss"]?.string) else { return try linear(view, isClassifier: true) }
        let (weights, intercepts) = try weights(view)
        let classes = try classes(view)
        guard classes.count == (weights.count == 1 ? 2 : weights.count) else {
            throw refusal("a \(view.kind) whose weights and classes do not fit together")
        }
        return LogisticClassifier(classes: classes, weights: weights, intercepts: intercepts, isOneVersusRest: true)
    }

    private static func calibrated(_ view: ObjectView) throws -> any RowModel {
        let classes = try classes(view)
        guard let folds = view["calibrated_classifiers_"]?.elements, !folds.isEmpty else {
            throw refusal("a CalibratedClassifierCV that was not fitted")
        }
        let all = try folds.map { try fold($0, classes: classes.count) }
        let count = all[0].featureCount
        guard all.allSatisfy({ $0.featureCount == count }) else {
            throw refusal("a CalibratedClassifierCV whose folds take other numbers of features")
        }
        return Calibrated(classes: classes, featureCount: count, folds: all.map(\.fold))
    }

    private static func fold(
        _ view: ObjectView,
        classes: Int
    ) throws -> (fold: Calibrated.Fold, featureCount: Int) {
        guard var estimator = view["estimator"] ?? view["base_estimator"],
            let calibrators = view["calibrators"]?.elements, calibrators.count == (classes == 2 ? 1 : classes)
        else { throw refusal("a CalibratedClassifierCV whose folds cannot be read") }
        if estimator.className == "sklearn.frozen._frozen.FrozenEstimator" {
            estimator = estimator["estimator"] ?? estimator
        }
        let (before, last) = try parts(of: estimator)
        let steps = try before.flatMap(transform)
        let model = try decisions(last)
        let width = model.classes.isEmpty ? (model as? LinearModel)?.weights.count : model.classes.count
        guard width == classes || (classes == 2 && width == 1) else {
            throw refusal("a CalibratedClassifierCV over \(last.kind) with other classes")
        }
        let declared = before.first?["n_features_in_"]?.integer ?? (steps.isEmpty ? model.featureCount : nil)
        var reached = declared
        for step in steps { reached = reached.flatMap(step.outputCount) }
        guard let declared, reached == model.featureCount else {
            throw refusal("a CalibratedClassifierCV whose steps do not fit together")
        }
        return (.init(steps: steps, model: model, maps: try calibrators.map(calibration)), declared)
    }

    /// What a classifier says before it is calibrated: its decisions where it has some, else its probabilities.
    private static func decisions(_ view: ObjectView) throws -> any RowModel {
        if let (weights, intercepts) = try? weights(view) {
            return LinearModel(classes: [], weights: weights, intercepts: intercepts)
        }
        if view.className?.hasSuffix("BoostingClassifier") == true {
            throw refusal("a CalibratedClassifierCV over \(view.kind)")
        }
        return try model(view)
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
            else { throw refusal("an MLP whose layers do not fit together") }
            return (weights: (0..<width).map { column in matrix.map { $0[column] } }, biases: biases)
        }
        for (before, after) in zip(layers, layers.dropFirst()) where after.weights.first?.count != before.biases.count {
            throw refusal("an MLP whose layers do not fit together")
        }
        let classes = isClassifier ? try classes(view) : []
        let width = layers.last?.biases.count ?? 0
        guard width == (classes.count == 2 || !isClassifier ? 1 : classes.count) else {
            throw refusal("an MLP with several outputs")
        }
        return NeuralNetwork(classes: classes, layers: layers, hidden: hidden, last: last)
    }

    private static func neighbors(_ view: ObjectView, isClassifier: Bool) throws -> any RowModel {
        guard let rows = view["_fit_X"]?.matrix, let targets = view["_y"]?.doubles, rows.count == targets.count,
            let count = view["n_neighbors"]?.integer, count > 0, count <= rows.count
        else { throw refusal("a nearest-neighbours model that was not fitted on a table") }
        let metric = view["effective_metric_"]?.string ?? view["metric"]?.string ?? ""
        let powers = ["euclidean": 2.0, "manhattan": 1, "chebyshev": .infinity, "minkowski": view["p"]?.double ?? 2]
        guard let power = powers[metric], let weights = view["weights"]?.string else {
            throw refusal("a nearest-neighbours model with the metric '\(metric)' or weights of its own")
        }
        let classes = isClassifier ? try classes(view) : []
        guard !isClassifier || targets.allSatisfy({ $0 >= 0 && Int(exactly: $0).map { $0 < classes.count } == true })
        else {
            throw refusal("a nearest-neighbours model whose labels and classes do not fit together")
        }
        return Neighbors(
            classes: classes,
            rows: rows,
            targets: targets,
            count: count,
            isWeighted: weights == "distance",
            power: power
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
