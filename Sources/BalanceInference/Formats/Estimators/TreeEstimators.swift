import BalanceCore

/// scikit-learn's trees and ensembles of them.
extension EstimatorConverter {
    static let treeModels: [String: ToModel] = {
        var models: [String: ToModel] = [
            "sklearn.ensemble._gb.GradientBoostingClassifier": { try gradientBoosting($0, isClassifier: true) },
            "sklearn.ensemble._gb.GradientBoostingRegressor": { try gradientBoosting($0, isClassifier: false) },
            "\(histogram).HistGradientBoostingClassifier": { try histogramBoosting($0, isClassifier: true) },
            "\(histogram).HistGradientBoostingRegressor": { try histogramBoosting($0, isClassifier: false) },
            "sklearn.ensemble._iforest.IsolationForest": { try isolationForest($0) },
        ]
        for name in ["DecisionTree", "ExtraTree"] {
            models["sklearn.tree._classes.\(name)Classifier"] = { try trees([$0], of: $0, isClassifier: true) }
            models["sklearn.tree._classes.\(name)Regressor"] = { try trees([$0], of: $0, isClassifier: false) }
        }
        for name in ["RandomForest", "ExtraTrees"] {
            models["sklearn.ensemble._forest.\(name)Classifier"] = { view in
                try trees(view["estimators_"]?.members ?? [], of: view, isClassifier: true)
            }
            models["sklearn.ensemble._forest.\(name)Regressor"] = { view in
                try trees(view["estimators_"]?.members ?? [], of: view, isClassifier: false)
            }
        }
        return models
    }()

    private static let histogram = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting"

    private static func trees(
        _ estimators: [ObjectView],
        of view: ObjectView,
        isClassifier: Bool
    ) throws -> any RowModel {
        let classes = isClassifier ? try classes(view) : []
        guard (1...100_000).contains(estimators.count), view["n_outputs_"]?.integer ?? 1 == 1 else {
            throw refusal("a \(view.kind) without trees or with several outputs")
        }
        try checkAreDistinct(estimators.map { $0["tree_"] })
        var nodes = TreeNodes()
        for estimator in estimators {
            let width = max(classes.count, 1)
            // Counts until 1.3, shares since; dividing shares once more would change their last digit.
            try nodes.add(
                tree(estimator, width: width) { values in
                    guard isClassifier else { return values }
                    return abs(values.reduce(0, +) - 1) > 1e-9 ? shares(values) : values
                }
            )
        }
        return TreeMean(
            classes: classes,
            featureCount: try count(view, nodes),
            trees: Forest(nodes),
            acceptsMissing: estimators.first.map { takesMissing($0, in: view) } ?? false
        )
    }

    /// Whether scikit-learn takes NaN: it depends on the version, on how splits are found, and on what is minimised.
    private static func takesMissing(_ tree: ObjectView, in view: ObjectView) -> Bool {
        guard tree["tree_"]?["nodes"]?.column("missing_go_to_left") != nil, let (major, minor) = version(view) else {
            return false
        }
        guard (major, minor) < (1, 9) else { return true }
        let isForest = view.index != tree.index
        let isExtra = view.kind.contains("Extra")
        let first = isExtra ? 6 : isForest ? 4 : 3
        let criteria = ["gini", "entropy", "log_loss", "squared_error", "friedman_mse", "poisson"]
        let splitters = isExtra ? ["random"] : minor >= 6 ? ["best", "random"] : ["best"]
        return minor >= first && criteria.contains(tree["criterion"]?.string ?? "")
            && splitters.contains(tree["splitter"]?.string ?? "") && tree["monotonic_cst"] == nil
    }

    /// No estimator holds one tree twice; a small file could, a million times.
    private static func checkAreDistinct(_ trees: [ObjectView?]) throws {
        let places = trees.compactMap { $0?.index }
        guard Set(places).count == places.count else { throw refusal("an ensemble with a duplicate tree") }
    }

    /// A number that names a node, a column or a count.
    private static func whole(_ number: Double) throws -> Int {
        guard let whole = Int(exactly: number), (-2..<1 << 32).contains(whole) else { throw TreeNodes.damaged }
        return whole
    }

    /// Of counts (before scikit-learn 1.3) or shares the shares.
    private static func shares(_ values: [Double]) -> [Double] {
        let sum = values.reduce(0, +)
        return sum == 0 ? values : values.map { $0 / sum }
    }

    /// The nodes of an estimator's `tree_`, with `width` values a leaf.
    private static func tree(
        _ estimator: ObjectView,
        width: Int,
        _ leaf: ([Double]) -> [Double]
    ) throws -> [TreeNodes.Node] {
        guard let state = estimator["tree_"], let nodes = state["nodes"], let left = nodes.column("left_child"),
            let right = nodes.column("right_child"), let features = nodes.column("feature"),
            let thresholds = nodes.column("threshold"), let values = state["values"]?.doubles,
            values.count == left.count * width
        else { throw refusal("a \(estimator.kind) with an unreadable tree") }
        let missing = nodes.column("missing_go_to_left")
        return try left.indices.map { index in
            if left[index] < 0 {
                return .init(kind: .leaf(leaf(Array(values[index * width..<(index + 1) * width]))))
            }
            let kind = TreeNodes.Node.Kind.split(
                feature: try whole(features[index]),
                threshold: thresholds[index],
                left: try whole(left[index]),
                right: try whole(right[index])
            )
            return .init(kind: kind, missingGoesLeft: missing?[index] == 1)
        }
    }

    private static func count(_ view: ObjectView, _ nodes: TreeNodes) throws -> Int {
        guard let count = view["n_features_in_"]?.integer, nodes.featureBound <= count else {
            throw refusal("a \(view.kind) with trees that use more features than it has")
        }
        return count
    }

    private static func gradientBoosting(_ view: ObjectView, isClassifier: Bool) throws -> any RowModel {
        let classes = isClassifier ? try classes(view) : []
        let groups = isClassifier && classes.count > 2 ? classes.count : 1
        guard let estimators = view["estimators_"]?.members, (1...1_000_000).contains(estimators.count),
            estimators.count % groups == 0,
            let rate = view["learning_rate"]?.double
        else { throw refusal("a \(view.kind) that was not fitted") }
        try checkAreDistinct(estimators.map { $0["tree_"] })
        var nodes = TreeNodes()
        for estimator in estimators { try nodes.add(tree(estimator, width: 1) { $0 }) }
        let losses =
            isClassifier
            ? ["log_loss", "deviance", "exponential"]
            : ["squared_error", "absolute_error", "huber", "quantile", "ls", "lad"]
        guard let loss = view["loss"]?.string, losses.contains(loss) else {
            throw refusal("a \(view.kind) with a custom loss")
        }
        let isExponential = loss == "exponential"
        let link: BoostedTrees.Link =
            !isClassifier ? .identity : groups > 1 ? .softmax : isExponential ? .doubleSigmoid : .sigmoid
        var model = BoostedTrees(
            classes: classes,
            featureCount: try count(view, nodes),
            trees: Forest(nodes),
            groups: estimators.indices.map { $0 % groups },
            base: try base(view, groups: groups, isClassifier: isClassifier, isExponential: isExponential),
            rate: rate,
            link: link,
            roundsInput: true,
            acceptsMissing: false,
            acceptsInfinite: false
        )
        // Until 1.3 the probabilities chose, but for the exponential loss.
        if isClassifier, isExponential || !isOfOldLosses(view) { model.choice = .atLeast }
        return model
    }

    /// Whether gradient boosting was fitted before scikit-learn 1.4 gave it the losses of its sibling.
    private static func isOfOldLosses(_ view: ObjectView) -> Bool {
        isBefore(view, 4) ?? (view["_loss"]?.className?.hasPrefix("sklearn.ensemble._gb_losses.") == true)
    }

    /// The raw scores that boosting begins with.
    private static func base(
        _ view: ObjectView,
        groups: Int,
        isClassifier: Bool,
        isExponential: Bool
    ) throws -> [Double] {
        if view["init"]?.string == "zero" { return [Double](repeating: 0, count: groups) }
        guard let initial = view["init_"], view["init"] == nil else {
            throw refusal("a \(view.kind) with a custom initial estimator")
        }
        guard isClassifier else {
            guard let constant = initial["constant_"]?.doubles?.first else {
                throw refusal("a \(view.kind) without an initial estimator")
            }
            return [constant]
        }
        guard let priors = initial["class_prior_"]?.doubles, priors.count == max(groups, 2) else {
            throw refusal("a \(view.kind) without an initial estimator")
        }
        // Single precision's smallest step keeps the logarithm finite, as in scikit-learn.
        let bound = Double(Float.ulpOfOne)
        let shares = priors.map { min(max($0, bound), 1 - bound) }
        if groups > 1 {
            let logs = shares.map { logarithm($0) }
            // The geometric mean is taken off since 1.4, which a softmax does not see and a calibration does.
            let mean = isOfOldLosses(view) ? 0 : logs.reduce(0, +) / Double(logs.count)
            return logs.map { $0 - mean }
        }
        let odds = logarithm(shares[1] / (1 - shares[1]))
        return [isExponential ? odds / 2 : odds]
    }

    private static func histogramBoosting(_ view: ObjectView, isClassifier: Bool) throws -> any RowModel {
        let classes = isClassifier ? try classes(view) : []
        let groups = isClassifier && classes.count > 2 ? classes.count : 1
        guard let rounds = view["_predictors"]?.elements,
            let base = view["_baseline_prediction"]?.doubles ?? view["_baseline_prediction"]?.double.map({ [$0] }),
            base.count == groups
        else { throw refusal("a \(view.kind) that was not fitted") }
        try checkAreDistinct(rounds.flatMap { $0.elements ?? [] }.map { $0["nodes"] })
        var nodes = TreeNodes()
        let known = try knownCategories(view)
        nodes.negativesAreCategories = isBefore(view, 2) == true
        for round in rounds {
            guard let predictors = round.elements, predictors.count == groups else { throw TreeNodes.damaged }
            for predictor in predictors { try nodes.add(histogramTree(predictor, known)) }
        }
        let losses =
            isClassifier
            ? ["log_loss", "auto", "binary_crossentropy", "categorical_crossentropy"]
            : [
                "squared_error", "absolute_error", "quantile", "poisson", "gamma", "least_squares",
                "least_absolute_deviation",
            ]
        guard let loss = view["loss"]?.string, losses.contains(loss) else {
            throw refusal("a \(view.kind) with a custom loss")
        }
        let isLog = ["poisson", "gamma"].contains(loss)
        var model = BoostedTrees(
            classes: classes,
            featureCount: try count(view, nodes),
            trees: Forest(nodes),
            groups: nodes.roots.indices.map { $0 % groups },
            base: base,
            link: isClassifier ? (groups > 1 ? .softmax : .sigmoid) : isLog ? .exponential : .identity
        )
        if isClassifier, isBefore(view, 5) == false { model.choice = .above }
        // Categories are numbered, and put before the other columns, by a transformer of the model's own.
        guard let encoder = view["_preprocessor"] else { return model }
        let columns = try columns(encoder)
        guard columns.outputCount(model.featureCount) == model.featureCount else {
            throw refusal("a \(view.kind) with unreadable categories")
        }
        return Staged(featureCount: model.featureCount, steps: [columns], model: model)
    }

    /// Of each categorical column the categories of the training data, where raw values go into the trees (before 1.4).
    private static func knownCategories(_ view: ObjectView) throws -> [Int: [UInt64]]? {
        guard view["_preprocessor"] == nil, let flags = view["is_categorical_"]?.labels, flags.contains("True") else {
            return nil
        }
        guard let lists = view["_bin_mapper"]?["bin_thresholds_"]?.members, lists.count == flags.count else {
            throw refusal("a \(view.kind) with unreadable categories")
        }
        var known: [Int: [UInt64]] = [:]
        for (column, list) in lists.enumerated() where flags[column] == "True" {
            guard let values = list.doubles, values.allSatisfy({ (0..<256).contains($0) }) else {
                throw refusal("a \(view.kind) with unreadable categories")
            }
            var set = [UInt64](repeating: 0, count: 4)
            for value in values { set[Int(value) >> 6] |= 1 << UInt64(Int(value) & 63) }
            known[column] = set
        }
        return known
    }

    private static func histogramTree(
        _ predictor: ObjectView,
        _ known: [Int: [UInt64]]?
    ) throws -> [TreeNodes.Node] {
        guard let nodes = predictor["nodes"], let values = nodes.column("value"), let leaves = nodes.column("is_leaf"),
            let features = nodes.column("feature_idx"),
            let thresholds = nodes.column("num_threshold") ?? nodes.column("threshold"),
            let missing = nodes.column("missing_go_to_left"), let left = nodes.column("left"),
            let right = nodes.column("right")
        else { throw refusal("an unreadable histogram tree") }
        let categorical = nodes.column("is_categorical")
        let sets = nodes.column("bitset_idx")
        let bits = predictor["raw_left_cat_bitsets"]?.matrix ?? []
        return try values.indices.map { index in
            if leaves[index] == 1 { return .init(kind: .leaf([values[index]])) }
            var node = TreeNodes.Node(
                kind: .split(
                    feature: try whole(features[index]),
                    threshold: thresholds[index],
                    left: try whole(left[index]),
                    right: try whole(right[index])
                ),
                missingGoesLeft: missing[index] == 1
            )
            if categorical?[index] == 1 {
                guard let set = try sets.map({ try whole($0[index]) }), bits.indices.contains(set), bits[set].count == 8
                else {
                    throw TreeNodes.damaged
                }
                let words = try bits[set].map { UInt64(max(try whole($0), 0)) }
                node.categories = (0..<4).map { words[2 * $0] | words[2 * $0 + 1] << 32 }
                if let known {
                    guard let set = known[try whole(features[index])] else { throw TreeNodes.damaged }
                    node.known = set
                }
            }
            return node
        }
    }

    private static func isolationForest(_ view: ObjectView) throws -> any RowModel {
        guard let estimators = view["estimators_"]?.members, let columns = view["estimators_features_"]?.members,
            columns.count == estimators.count,
            let samples = view["_max_samples"]?.integer ?? view["max_samples_"]?.integer,
            let offset = view["offset_"]?.double, let count = view["n_features_in_"]?.integer
        else { throw refusal("an IsolationForest that was not fitted") }
        try checkAreDistinct(estimators.map { $0["tree_"] })
        var nodes = TreeNodes()
        for (estimator, list) in zip(estimators, columns) {
            guard let numbers = list.numbers, numbers.allSatisfy({ $0 >= 0 && $0 < Double(count) }) else {
                throw refusal("an IsolationForest with trees that use more features than it has")
            }
            try nodes.add(pathTree(estimator, columns: numbers.map(whole)))
        }
        var model = IsolationTrees(featureCount: count, trees: Forest(nodes), sampleCount: samples, offset: offset)
        model.acceptsAll = isBefore(view, 6) == false
        return model
    }

    /// A tree whose leaves hold the length of the path to them, with what is expected below.
    private static func pathTree(_ estimator: ObjectView, columns: [Int]) throws -> [TreeNodes.Node] {
        var nodes = try tree(estimator, width: 1) { $0 }
        guard let samples = estimator["tree_"]?["nodes"]?.column("n_node_samples") else { throw TreeNodes.damaged }
        var waiting = [(node: 0, depth: 0)]
        var steps = 0
        while let (node, depth) = waiting.popLast() {
            steps += 1
            guard nodes.indices.contains(node), steps <= nodes.count else { throw TreeNodes.damaged }
            if case .split(let feature, let threshold, let left, let right) = nodes[node].kind {
                guard columns.indices.contains(feature) else { throw TreeNodes.damaged }
                let column = columns[feature]
                nodes[node].kind = .split(feature: column, threshold: threshold, left: left, right: right)
                waiting += [(left, depth + 1), (right, depth + 1)]
            } else {
                let length = Double(depth) + IsolationTrees.averagePath(try whole(samples[node]))
                nodes[node].kind = .leaf([length])
            }
        }
        return nodes
    }
}
