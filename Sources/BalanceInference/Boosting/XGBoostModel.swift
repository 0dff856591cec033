import BalanceCore

/// An XGBoost model as its JSON or UBJSON file holds it.
///
/// Source: XGBoost's `doc/model.schema` and `src/tree/tree_model.cc`. gbtree and dart; the answers are XGBoost's own in
/// single precision.
enum XGBoostModel {
    static func isModel(_ json: JSONValue) -> Bool { json["learner"]?["gradient_booster"] != nil }

    static func predictor(from json: JSONValue) throws -> PipelinePredictor {
        // What scikit-learn's wrapper wrote answers as the wrapper would, with the trees up to the best round.
        let attributes = json["learner"]?["attributes"]
        let best = attributes?["scikit_learn"] == nil ? nil : attributes?["best_iteration"]?.string.flatMap { Int($0) }
        var (model, names) = try read(json, bestRound: best)
        let wrapper = attributes?["scikit_learn"]?.string.flatMap {
            try? JSONValue(parsing: Array($0.utf8), allowsNonFinite: true)
        }
        model.acceptsInfinite = wrapper != nil
        // Until 1.7 the wrapper's file keeps what counts as missing.
        if let missing = wrapper?["missing"]?.number { model.missing = Float(missing) }
        var predictor = PipelinePredictor(
            modelType: "XGBoost",
            featureNames: names,
            featureCount: model.featureCount,
            transforms: [],
            model: model,
            labelType: .int
        )
        if !model.classes.isEmpty {
            let isSoftmax = json["learner"]?["objective"]?["name"]?.string == "multi:softmax"
            predictor.boosterAnswer = model.classes.count == 2 ? .value : isSoftmax ? .classNumber : .probabilities
        }
        return predictor
    }

    /// What the file of a booster holds; of its rounds those up to `bestRound` where there is one.
    static func read(_ json: JSONValue, bestRound: Int? = nil) throws -> (model: SingleTrees, names: [String]?) {
        guard let learner = json["learner"], var booster = learner["gradient_booster"],
            let parameters = learner["learner_model_param"], let name = booster["name"]?.string
        else { throw refusal("an unreadable learner") }
        var weights: [Float] = []
        if name == "dart" {
            weights = (booster["weight_drop"]?.elements ?? []).map { Float($0.number ?? 1) }
            booster = booster["gbtree"] ?? booster
        } else if name != "gbtree" {
            throw refusal("the booster '\(name)'")
        }
        guard let model = booster["model"], let trees = model["trees"]?.elements,
            let all = model["tree_info"]?.elements
        else {
            throw refusal("a booster without trees")
        }
        let classCount = parameters.whole("num_class")
        let groups = max(classCount, 1)
        guard groups <= 10_000, parameters.whole("num_target") <= 1, all.count == trees.count,
            weights.isEmpty || weights.count == trees.count
        else { throw refusal("several targets") }
        let parallel = max(model["gbtree_model_param"]?.whole("num_parallel_tree") ?? 1, 1)
        guard parallel < 1 << 24 else { throw refusal("too many parallel trees") }
        let perRound = groups * parallel
        let limit = bestRound.flatMap { (0..<1 << 24).contains($0) ? ($0 + 1) * perRound : nil } ?? trees.count
        let info = all.prefix(limit)
        var nodes = TreeNodes()
        nodes.comparison = .less
        nodes.categoriesGoRight = true
        for tree in trees.prefix(limit) { try nodes.add(self.nodes(of: tree)) }
        let count = parameters.whole("num_feature")
        guard count > 0, count < 1 << 24, nodes.featureBound <= count else { throw refusal("trees over more features") }
        let objective = learner["objective"]?["name"]?.string ?? ""
        let (link, classes) = try meaning(of: objective, groups)
        let places = info.map { $0.integer ?? -1 }
        guard places.allSatisfy({ (0..<groups).contains($0) }) else { throw refusal("trees without a class") }
        let names = learner["feature_names"]?.strings ?? []
        let version = json["version"]?.elements?.compactMap(\.integer) ?? []
        let clips = version.count > 1 && (version[0], version[1]) >= (3, 2)
        var read = SingleTrees(
            classes: classes,
            featureCount: count,
            trees: Forest(nodes),
            groups: places,
            weights: Array(weights.prefix(limit)),
            base: try base(parameters["base_score"]?.string ?? "0.5", link, groups, clips: clips),
            link: link
        )
        read.featureNames = names.count == count ? names : nil
        return (read, read.featureNames)
    }

    private static func meaning(of objective: String, _ groups: Int) throws -> (SingleTrees.Link, [String]) {
        let labels = (0..<groups).map(String.init)
        switch objective {
        case "binary:logistic": return (.sigmoid, ["0", "1"])
        case "reg:logistic": return (.sigmoid, [])
        case "multi:softprob" where groups > 1, "multi:softmax" where groups > 1: return (.softmax, labels)
        case "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft": return (.exponential, [])
        case "reg:squarederror", "reg:linear", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror",
            "reg:quantileerror", "rank:pairwise", "rank:ndcg", "rank:map", "binary:logitraw", "binary:hinge":
            guard groups == 1, objective != "binary:hinge" else { throw refusal("the objective '\(objective)'") }
            return (.identity, [])
        default: throw refusal("the objective '\(objective)'")
        }
    }

    /// The score that each output begins with; the file has it after the link, alone or in brackets for each output.
    ///
    /// Since 3.2 a probability is kept away from 0 and 1.
    private static func base(
        _ text: String,
        _ link: SingleTrees.Link,
        _ groups: Int,
        clips: Bool
    ) throws -> [Float] {
        let words = text.filter { !"[] ".contains($0) }.split(separator: ",")
        let parts = words.compactMap { Float($0) }.filter(\.isFinite)
        guard let first = parts.first, parts.count == words.count, parts.count == 1 || parts.count == groups else {
            throw refusal("the base score '\(text.prefix(60))'")
        }
        let all = parts.count == groups ? parts : [Float](repeating: first, count: groups)
        return try all.map { value in
            switch link {
            case .sigmoid:
                let share = clips ? min(max(value, 1e-6), 1 - 1e-6) : value
                guard share > 0, share < 1, (0...1).contains(value) else { throw refusal("the base score '\(value)'") }
                return -Float(logarithm(1 / share - 1))
            case .exponential:
                guard value > 0 else { throw refusal("the base score '\(value)'") }
                return Float(logarithm(value))
            default: return value
            }
        }
    }

    private static func logarithm(_ value: Float) -> Float { Float(BalanceInference.logarithm(Double(value))) }

    private static func nodes(of tree: JSONValue) throws -> [TreeNodes.Node] {
        guard let left = tree["left_children"]?.elements, let right = tree["right_children"]?.elements,
            let features = tree["split_indices"]?.elements, let conditions = tree["split_conditions"]?.elements,
            let missing = tree["default_left"]?.elements,
            [right.count, features.count, conditions.count, missing.count].allSatisfy({ $0 == left.count }),
            tree["tree_param"]?.whole("size_leaf_vector") ?? 0 <= 1
        else { throw refusal("a tree with inconsistent parts") }
        let sets = try categories(of: tree)
        return try left.indices.map { index in
            guard let child = left[index].integer, let other = right[index].integer,
                let condition = conditions[index].number
            else { throw refusal("a tree with invalid numbers") }
            // A condition is a number of single precision, whatever digits it is written with.
            let threshold = Double(Float(condition))
            if child < 0 { return .init(kind: .leaf([threshold])) }
            let goesLeft = missing[index].boolean ?? (missing[index].integer == 1)
            // A node that asks for categories has no threshold; older versions write NaN there.
            let kind = TreeNodes.Node.Kind.split(
                feature: features[index].integer ?? -1,
                threshold: sets[index] == nil ? threshold : 0,
                left: child,
                right: other
            )
            return .init(kind: kind, missingGoesLeft: goesLeft, categories: sets[index])
        }
    }

    /// For each node that asks for a category the set of those that go right.
    private static func categories(of tree: JSONValue) throws -> [Int: [UInt64]] {
        let nodes = tree["categories_nodes"]?.elements ?? []
        guard !nodes.isEmpty else { return [:] }
        guard let all = tree["categories"]?.elements, let starts = tree["categories_segments"]?.elements,
            let sizes = tree["categories_sizes"]?.elements, starts.count == nodes.count, sizes.count == nodes.count
        else { throw refusal("a tree with unreadable categories") }
        var sets: [Int: [UInt64]] = [:]
        for (place, node) in nodes.enumerated() {
            guard let index = node.integer, let start = starts[place].integer, let size = sizes[place].integer,
                start >= 0,
                size >= 0, start <= all.count - size
            else { throw refusal("a tree with unreadable categories") }
            var set: [UInt64] = []
            for value in all[start..<start + size] {
                guard let category = value.integer, (0..<1 << 20).contains(category) else {
                    throw refusal("a category")
                }
                while set.count <= category >> 6 { set.append(0) }
                set[category >> 6] |= 1 << UInt64(category & 63)
            }
            sets[index] = set
        }
        return sets
    }

    private static func refusal(_ what: String) -> Failure {
        Failure(
            .modelNotReadable,
            "the XGBoost file has \(what), which is not supported",
            hint: "docs/model-formats.md lists what can be served"
        )
    }
}

extension JSONValue {
    /// A whole number, also where it is a text, as XGBoost writes its parameters; 0 where it is absent.
    fileprivate func whole(_ name: String) -> Int {
        self[name]?.integer ?? self[name]?.string.flatMap { Int($0) } ?? 0
    }
}
