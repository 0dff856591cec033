import BalanceCore

/// Decision trees in one flat layout, whatever wrote them.
struct TreeNodes: Sendable {
    /// How a number is compared with a threshold.
    enum Comparison: Sendable {
        /// Left where `x <= threshold`.
        case lessOrEqual
        /// Left where `x < threshold`.
        case less
    }

    /// What counts as missing at a node; the raw value is LightGBM's.
    enum Missing: UInt8, Sendable {
        /// Nothing: NaN is taken for 0.
        case none
        /// 0 and NaN.
        case zero
        case nan
    }

    var comparison = Comparison.lessOrEqual
    /// The feature of an inner node; -1 for a leaf.
    private(set) var features: [Int32] = []
    private(set) var thresholds: [Double] = []
    private(set) var left: [Int32] = []
    private(set) var right: [Int32] = []
    private var missing: [Missing] = []
    private var missingGoesLeft: [Bool] = []
    /// For a node that asks for a category: which of ``categories`` go left.
    private var categorySets: [Int32] = []
    private var categories: [[UInt64]] = []
    /// For a node of scikit-learn's that asks for a raw category: which of ``categories`` were there in training.
    private var knownSets: [Int32] = []
    /// The values that are categories at all, without their digits behind the point; what lies outside is missing.
    var categoryRange = 0.0..<16_777_216.0
    /// Whether a raw value below 0 is one too, by its lowest byte (scikit-learn 1.1); else it is missing.
    var negativesAreCategories = false
    /// Whether the categories of a set go right instead.
    var categoriesGoRight = false
    /// For a leaf where its outputs begin.
    private(set) var outputs: [Int32] = []
    private(set) var values: [Double] = []
    private(set) var roots: [Int32] = []

    /// More nodes than any supported model needs.
    static let maximumCount = 20_000_000

    var count: Int { features.count }

    /// Whether every node compares a number with a threshold, and only NaN is missing.
    var isPlain: Bool { categories.isEmpty && !missing.contains(.zero) }

    /// Adds a tree whose nodes come in any order, with children by their numbers in the tree.
    ///
    /// - Throws: `Failure` with code `modelNotReadable` where the nodes are no tree.
    mutating func add(_ tree: [Node]) throws {
        let base = features.count
        guard !tree.isEmpty, base + tree.count <= Self.maximumCount else { throw Self.damaged }
        roots.append(Int32(base))
        for node in tree {
            switch node.kind {
            case .leaf(let leaf):
                guard leaf.allSatisfy(\.isFinite) else { throw Self.notFinite }
                append(feature: -1, threshold: 0, left: 0, right: 0, output: Int32(values.count))
                values += leaf
            case .split(let feature, let threshold, let left, let right):
                // scikit-learn and LightGBM part what is missing from the rest by an infinite threshold.
                guard threshold.isFinite || comparison == .lessOrEqual && !threshold.isNaN else {
                    throw Self.notFinite
                }
                guard feature >= 0, feature < 1 << 24, tree.indices.contains(left),
                    tree.indices.contains(right)
                else {
                    throw Self.damaged
                }
                append(
                    feature: Int32(feature),
                    threshold: threshold,
                    left: Int32(clamping: base + left),
                    right: Int32(clamping: base + right),
                    output: -1
                )
            }
            missing.append(node.missing)
            missingGoesLeft.append(node.missingGoesLeft)
            categorySets.append(node.categories.map { _ in Int32(categories.count) } ?? -1)
            if let set = node.categories { categories.append(set) }
            knownSets.append(node.known.map { _ in Int32(categories.count) } ?? -1)
            if let set = node.known { categories.append(set) }
        }
        try check(base, tree.count)
    }

    /// A node of a tree that is being added.
    struct Node {
        enum Kind {
            case leaf([Double])
            case split(feature: Int, threshold: Double, left: Int, right: Int)
        }

        var kind: Kind
        var missing = Missing.nan
        var missingGoesLeft = false
        var categories: [UInt64]?
        /// The categories of the training data, where others go the way of what is missing.
        var known: [UInt64]?
    }

    /// Where the outputs of the leaf begin that a row comes to.
    func leaf(_ row: [Double], root: Int) -> Int {
        var node = Int(root)
        while features[node] >= 0 {
            node = Int(goesLeft(row[Int(features[node])], node) ? left[node] : right[node])
        }
        return Int(outputs[node])
    }

    private func goesLeft(_ value: Double, _ node: Int) -> Bool {
        var value = value
        if categorySets[node] >= 0 {
            if knownSets[node] >= 0 { return rawCategoryGoesLeft(value, node) }
            guard categoryRange.contains(value) else { return missingGoesLeft[node] }
            return isIn(categorySets[node], Int(value)) != categoriesGoRight
        }
        switch missing[node] {
        case .none: if value.isNaN { value = 0 }
        case .zero: if value.isNaN || value == 0 { return missingGoesLeft[node] }
        case .nan: if value.isNaN { return missingGoesLeft[node] }
        }
        return comparison == .less ? value < thresholds[node] : value <= thresholds[node]
    }

    private func isIn(_ set: Int32, _ category: Int) -> Bool {
        let words = categories[Int(set)]
        return category >> 6 < words.count && words[category >> 6] >> UInt64(category & 63) & 1 == 1
    }

    /// As scikit-learn 1.1 to 1.3 reads a raw value: its lowest byte counts.
    private func rawCategoryGoesLeft(_ value: Double, _ node: Int) -> Bool {
        guard value >= 0 || value < 0 && negativesAreCategories else { return missingGoesLeft[node] }
        let category = abs(value) < 2_147_483_648 ? Int(value) & 255 : 0
        if isIn(categorySets[node], category) { return true }
        return isIn(knownSets[node], category) ? false : missingGoesLeft[node]
    }

    private mutating func append(feature: Int32, threshold: Double, left: Int32, right: Int32, output: Int32) {
        features.append(feature)
        thresholds.append(threshold)
        self.left.append(left)
        self.right.append(right)
        outputs.append(output)
    }

    /// Each node of the tree is reached at most once from its root, so that every walk ends.
    private func check(_ base: Int, _ count: Int) throws {
        var seen = [Bool](repeating: false, count: count)
        var waiting = [base]
        while let node = waiting.popLast() {
            guard node >= base, node < base + count, !seen[node - base] else { throw Self.damaged }
            seen[node - base] = true
            if features[node] >= 0 { waiting += [Int(left[node]), Int(right[node])] }
        }
    }

    /// How many features the trees look at, at least.
    var featureBound: Int { Int(features.max() ?? -1) + 1 }

    static let notFinite = Failure(
        .modelNotReadable,
        "unsupported model: a tree with a threshold or leaf that is not a finite number",
        hint: "save the model again"
    )

    static let damaged = Failure(
        .modelNotReadable,
        "the file has a tree with inconsistent nodes",
        hint: "save the model again"
    )
}
