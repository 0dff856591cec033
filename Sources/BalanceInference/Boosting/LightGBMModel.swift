import BalanceCore

/// A LightGBM model as its text file holds it.
///
/// Source: LightGBM's `src/boosting/gbdt_model_text.cpp` and `src/io/tree.cpp`.
enum LightGBMModel {
    static func isModel(_ bytes: [UInt8]) -> Bool { bytes.starts(with: Array("tree\nversion=".utf8)) }

    private typealias Section = [String: Substring]

    static func predictor(from bytes: [UInt8]) throws -> PipelinePredictor {
        let (model, names) = try read(String(decoding: bytes, as: UTF8.self))
        var predictor = PipelinePredictor(
            modelType: "LightGBM",
            featureNames: names,
            featureCount: model.featureCount,
            transforms: [],
            model: model,
            labelType: .int
        )
        if !model.classes.isEmpty { predictor.boosterAnswer = model.base.count == 1 ? .value : .probabilities }
        return predictor
    }

    /// What the text of a booster holds; of its rounds the first `rounds` where that is given.
    static func read(_ text: String, rounds: Int? = nil) throws -> (model: BoostedTrees, names: [String]?) {
        var sections: [Section] = [[:]]
        var isMean = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
            guard line.utf8.count <= longestLine else { throw refusal("a line of more than \(longestLine >> 20) MB") }
            if line == "end of trees" { break }
            if line == "average_output" { isMean = true }
            guard let mark = line.firstIndex(of: "=") else { continue }
            let key = String(line[..<mark])
            if key == "Tree" { sections.append([:]) }
            sections[sections.count - 1][key] = line[line.index(after: mark)...]
        }
        let header = sections[0]
        let groups = whole(header["num_tree_per_iteration"]) ?? 1
        guard text.contains("\nend of trees"), groups > 0, groups <= 10_000, (sections.count - 1) % groups == 0,
            let last = whole(header["max_feature_idx"]), last >= 0, last < 1 << 24
        else { throw refusal("an unreadable or truncated header") }
        var nodes = TreeNodes()
        // -0.5 is cut to 0; what lies outside goes right.
        nodes.categoryRange = (-1.0).nextUp..<2_147_483_648
        let limit = rounds.flatMap { (1..<1 << 24).contains($0) ? $0 * groups : nil } ?? sections.count
        for section in sections.dropFirst().prefix(limit) { try nodes.add(tree(section)) }
        let count = last + 1
        guard nodes.featureBound <= count else { throw refusal("trees over more features") }
        let (link, classes) = try meaning(of: header["objective"].map(String.init) ?? "", groups)
        let names = (header["feature_names"] ?? "").split(separator: " ").map(String.init)
        var model = BoostedTrees(
            classes: classes,
            featureCount: count,
            trees: Forest(nodes),
            groups: nodes.roots.indices.map { $0 % groups },
            base: [Double](repeating: 0, count: groups),
            link: link,
            isMean: isMean
        )
        model.zeroThreshold = BoostedTrees.lightGBMZero
        // Names that LightGBM made up tell nothing, and would stand in the way of those that an MLmodel has.
        let isNamed = names.count == count && names != (0..<count).map { "Column_\($0)" }
        model.featureNames = isNamed ? names : nil
        return (model, model.featureNames)
    }

    /// In bytes: the most that LightGBM's own limit of leaves leads to, and some more.
    private static let longestLine = 1 << 25

    private static func meaning(of objective: String, _ groups: Int) throws -> (BoostedTrees.Link, [String]) {
        let words = objective.split(separator: " ").map(String.init)
        let options = Dictionary(
            words.dropFirst().compactMap { word -> (String, String)? in
                let parts = word.split(separator: ":").map(String.init)
                return parts.count == 2 ? (parts[0], parts[1]) : nil
            },
            uniquingKeysWith: { $1 }
        )
        let factor = options["sigmoid"].flatMap { Double($0) } ?? 1
        let labels = (0..<groups).map(String.init)
        switch words.first ?? "" {
        case "binary": return (.scaledSigmoid(factor), ["0", "1"])
        case "multiclass" where groups > 1: return (.softmax, labels)
        case "multiclassova" where groups > 1: return (.sigmoids(factor), labels)
        case "cross_entropy": return (.sigmoids(1), [])
        case "poisson", "gamma", "tweedie": return (.exponential, [])
        case "regression", "regression_l2", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank",
            "rank_xendcg", "custom", "":
            return (words.contains("sqrt") ? .signedSquare : .identity, [])
        default: throw refusal("the objective '\(objective.prefix(60))'")
        }
    }

    private static func tree(_ section: Section) throws -> [TreeNodes.Node] {
        guard let leafCount = whole(section["num_leaves"]), leafCount > 0, whole(section["is_linear"]) ?? 0 == 0 else {
            throw refusal("a tree with linear leaves, or without a number of them")
        }
        let leaves = try numbers(section["leaf_value"])
        guard leaves.count == leafCount else { throw TreeNodes.damaged }
        if leafCount == 1 { return [.init(kind: .leaf([leaves[0]]))] }
        let features = try wholes(section["split_feature"])
        let thresholds = try numbers(section["threshold"])
        let types = try wholes(section["decision_type"])
        let left = try wholes(section["left_child"])
        let right = try wholes(section["right_child"])
        let inner = leafCount - 1
        guard [features.count, thresholds.count, types.count, left.count, right.count].allSatisfy({ $0 == inner })
        else {
            throw TreeNodes.damaged
        }
        let sets = try categories(section)
        // A child that is negative is a leaf, counted from -1; leaves stand behind the inner nodes here.
        func place(_ child: Int) -> Int { child >= 0 ? child : child < -leafCount ? -1 : inner - child - 1 }
        let splits = try (0..<inner).map { index -> TreeNodes.Node in
            var node = TreeNodes.Node(
                kind: .split(
                    feature: features[index],
                    threshold: thresholds[index],
                    left: place(left[index]),
                    right: place(right[index])
                ),
                missing: TreeNodes.Missing(rawValue: UInt8(types[index] >> 2 & 3)) ?? .nan,
                missingGoesLeft: types[index] & 2 != 0
            )
            if types[index] & 1 != 0 {
                guard let set = Int(exactly: thresholds[index]), sets.indices.contains(set) else {
                    throw TreeNodes.damaged
                }
                node.categories = sets[set]
                node.missingGoesLeft = false
            }
            return node
        }
        return splits + leaves.map { .init(kind: .leaf([$0])) }
    }

    /// The sets of categories that go left, from their words of 32 bits.
    private static func categories(_ section: Section) throws -> [[UInt64]] {
        guard whole(section["num_cat"]) ?? 0 > 0 else { return [] }
        let bounds = try wholes(section["cat_boundaries"])
        let words = try wholes(section["cat_threshold"])
        return try zip(bounds, bounds.dropFirst()).map { start, end in
            guard start >= 0, start <= end, end <= words.count else { throw TreeNodes.damaged }
            let part = Array(words[start..<end])
            return stride(from: 0, to: part.count, by: 2).map { index in
                let low = UInt64(truncatingIfNeeded: part[index]) & 0xFFFF_FFFF
                let high = index + 1 < part.count ? UInt64(truncatingIfNeeded: part[index + 1]) & 0xFFFF_FFFF : 0
                return low | high << 32
            }
        }
    }

    private static func whole(_ text: Substring?) -> Int? { text.flatMap { Int($0) } }

    private static func wholes(_ text: Substring?) throws -> [Int] {
        try (text ?? "").split(separator: " ").map { part in
            guard let number = Int(part) else { throw TreeNodes.damaged }
            return number
        }
    }

    private static func numbers(_ text: Substring?) throws -> [Double] {
        try (text ?? "").split(separator: " ").map { part in
            guard let number = Double(part) else { throw TreeNodes.damaged }
            return number
        }
    }

    private static func refusal(_ what: String) -> Failure {
        Failure(
            .modelNotReadable,
            "the LightGBM file has \(what), which is not supported",
            hint: "docs/model-formats.md lists what can be served"
        )
    }
}
