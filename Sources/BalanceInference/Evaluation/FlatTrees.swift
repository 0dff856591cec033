/// Trees laid out for speed: a node takes 16 bytes, its children stand side by side, and a leaf leads to itself.
///
/// Eight trees are walked at once without a branch that could be mispredicted: a step is `left + (x > threshold)`. Trees
/// that ask for categories, or take zeros for missing, have no such form.
struct FlatTrees: Sendable {
    struct Node: Sendable {
        /// A row goes right where its value is greater; infinite for a leaf, so that it stays.
        var threshold: Double
        var feature: Int32
        /// The left child; of a leaf itself.
        var left: Int32
    }

    private(set) var nodes: [Node] = []
    /// For a leaf where its outputs begin.
    private(set) var outputs: [Int32] = []
    private(set) var roots: [Int32] = []

    /// The same trees, or nil where they cannot be laid out so.
    init?(_ trees: TreeNodes) {
        guard trees.isPlain, !trees.roots.isEmpty else { return nil }
        nodes.reserveCapacity(trees.count)
        for root in trees.roots { add(trees, Int(root)) }
    }

    private mutating func add(_ trees: TreeNodes, _ root: Int) {
        let isLess = trees.comparison == .less
        roots.append(Int32(nodes.count))
        var waiting = [(node: root, place: nodes.count)]
        grow(1)
        var next = 0
        // By levels: the nodes that every row visits stand together.
        while next < waiting.count {
            let (node, place) = waiting[next]
            next += 1
            guard trees.features[node] >= 0 else {
                nodes[place] = Node(threshold: .infinity, feature: 0, left: Int32(place))
                outputs[place] = trees.outputs[node]
                continue
            }
            // x < t is x <= the number before t, of the precision that both have.
            let threshold = trees.thresholds[node]
            let bound = isLess ? Double(Float(threshold).nextDown) : threshold
            let left = nodes.count
            nodes[place] = Node(threshold: bound, feature: trees.features[node], left: Int32(left))
            grow(2)
            waiting.append((Int(trees.left[node]), left))
            waiting.append((Int(trees.right[node]), left + 1))
        }
    }

    private mutating func grow(_ count: Int) {
        for _ in 0..<count {
            nodes.append(Node(threshold: .infinity, feature: 0, left: 0))
            outputs.append(-1)
        }
    }

    /// Calls with each tree's number and where the outputs of its leaf begin, in the order of the trees.
    ///
    /// The row has every feature, and no NaN.
    @inline(__always)
    func forEachLeaf(_ row: [Double], _ body: (_ tree: Int, _ output: Int) -> Void) {
        nodes.withUnsafeBufferPointer { nodes in
            row.withUnsafeBufferPointer { row in
                guard let nodes = nodes.baseAddress, let row = row.baseAddress else { return }
                walk(nodes, row, body)
            }
        }
    }

    @inline(__always)
    private func walk(
        _ nodes: UnsafePointer<Node>,
        _ row: UnsafePointer<Double>,
        _ body: (_ tree: Int, _ output: Int) -> Void
    ) {
        var first = 0
        while first < roots.count {
            let last = roots.count - 1
            var places = (
                Int(roots[first]), Int(roots[min(first + 1, last)]), Int(roots[min(first + 2, last)]),
                Int(roots[min(first + 3, last)]), Int(roots[min(first + 4, last)]), Int(roots[min(first + 5, last)]),
                Int(roots[min(first + 6, last)]), Int(roots[min(first + 7, last)])
            )
            var moved = true
            while moved {
                let next = (
                    Self.step(nodes, row, places.0), Self.step(nodes, row, places.1), Self.step(nodes, row, places.2),
                    Self.step(nodes, row, places.3), Self.step(nodes, row, places.4), Self.step(nodes, row, places.5),
                    Self.step(nodes, row, places.6), Self.step(nodes, row, places.7)
                )
                let low = (next.0 ^ places.0) | (next.1 ^ places.1) | (next.2 ^ places.2) | (next.3 ^ places.3)
                let high = (next.4 ^ places.4) | (next.5 ^ places.5) | (next.6 ^ places.6) | (next.7 ^ places.7)
                moved = low | high != 0
                places = next
            }
            let count = min(8, roots.count - first)
            withUnsafeBytes(of: places) { bytes in
                let found = bytes.bindMemory(to: Int.self)
                for index in 0..<count { body(first + index, Int(outputs[found[index]])) }
            }
            first += 8
        }
    }

    @inline(__always)
    private static func step(_ nodes: UnsafePointer<Node>, _ row: UnsafePointer<Double>, _ place: Int) -> Int {
        let node = nodes[place]
        return Int(node.left) + (row[Int(node.feature)] > node.threshold ? 1 : 0)
    }
}

/// Trees in the order that they were trained in, walked by the fastest way that fits the row.
struct Forest: Sendable {
    let trees: TreeNodes
    private let flat: FlatTrees?

    init(_ trees: TreeNodes) {
        self.trees = trees
        flat = FlatTrees(trees)
    }

    var count: Int { trees.roots.count }

    /// Calls with each tree's number and where the outputs of the leaf begin that the row comes to.
    @inline(__always)
    func forEachLeaf(_ row: [Double], _ body: (_ tree: Int, _ output: Int) -> Void) {
        if let flat, !row.contains(where: \.isNaN) { return flat.forEachLeaf(row, body) }
        for (index, root) in trees.roots.enumerated() { body(index, trees.leaf(row, root: Int(root))) }
    }
}
