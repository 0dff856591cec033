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
                append(feature: -1, threshold: 0, left: 0, right: 0, output: Int32(values.count))
                values += leaf
            case .split(let feature, let threshold, let left, let right):
                guard !threshold.isNaN, feature >= 0, feature < 1 << 24, tree.indices.contains(left),
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
            guard value.isFinite, value >= 0, value < 16_777_216 else { return missingGoesLeft[node] }
            let set = categories[Int(categorySets[node])]
            let category = Int(value)
            let isIn = category >> 6 < set.count && set[category >> 6] >> UInt64(category & 63) & 1 == 1
            return isIn != categoriesGoRight
        }
        switch missing[node] {
        case .none: if value.isNaN { value = 0 }
        case .zero: if value.isNaN || abs(value) <= 1e-35 { return missingGoesLeft[node] }
        case .nan: if value.isNaN { return missingGoesLeft[node] }
        }
        return comparison == .less ? value < thresholds[node] : value <= thresholds[node]
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

    static let damaged = Failure(
        .modelNotReadable,
        "the file holds a tree whose nodes do not fit together",
        hint: "save the model again"
    )
}
