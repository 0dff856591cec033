import BalanceCore

/// The objects that a model file describes, as inert data.
///
/// Nodes lie flat in one array and refer to one another by index: a graph with cycles leaks nothing, and a graph that
/// nests a million levels deep is freed without recursion. Readers of other formats build the same graph.
struct ObjectGraph: Sendable {
    var nodes: [ObjectNode]
    var root: Int

    /// The view of the root.
    var top: ObjectView { ObjectView(graph: self, index: root) }
}

/// One object; the integers are indices of other nodes.
enum ObjectNode: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case list([Int])
    case tuple([Int])
    case dict([(key: Int, value: Int)])
    case type(NumpyType)
    case array(NumpyArray)
    /// A class or function by its full name, which is not looked up anywhere.
    case global(String)
    /// An instance of a class: its constructor's arguments and its state.
    case object(className: String, arguments: Int, state: Int?)
}

/// A node together with its graph, for reading.
struct ObjectView {
    let graph: ObjectGraph
    let index: Int
    /// How many steps it is away from the root: a hostile graph may hold cycles, and ends there.
    private let depth: Int
    /// What all views of a graph may still do together: a small graph can hold an estimator a million times.
    private let work: Work

    /// Counts the parts that were looked at.
    private final class Work {
        var left = 20_000_000
    }

    /// Deeper than the objects of any estimator nest.
    private static let maximumDepth = 200

    init(graph: ObjectGraph, index: Int) {
        self.init(graph: graph, index: index, depth: 0, work: Work())
    }

    private init(graph: ObjectGraph, index: Int, depth: Int, work: Work) {
        self.graph = graph
        self.index = index
        self.depth = depth
        self.work = work
    }

    /// The view of a part; a part that is too deep down is None.
    private func part(_ index: Int) -> ObjectView {
        work.left -= 1
        let isThere = depth < Self.maximumDepth && work.left > 0
        return ObjectView(graph: graph, index: isThere ? index : 0, depth: depth + 1, work: work)
    }

    var node: ObjectNode { graph.nodes[index] }

    /// The full name of the class that this is an instance of, or nil.
    var className: String? {
        if case .object(let name, _, _) = node { name } else { nil }
    }

    /// What this is, for messages.
    var kind: String {
        switch node {
        case .none: "None"
        case .bool: "bool"
        case .int: "int"
        case .double: "float"
        case .string: "str"
        case .bytes: "bytes"
        case .list: "list"
        case .tuple: "tuple"
        case .dict: "dict"
        case .type: "numpy.dtype"
        case .array: "numpy.ndarray"
        case .global(let name): name
        case .object(let name, _, _): name
        }
    }

    /// The value of a text key of a dict, or of an attribute of an object; nil where there is none or it is None.
    subscript(_ key: String) -> ObjectView? {
        guard let items else { return nil }
        let found = items.last { graph.nodes[$0.key].text.map { $0.utf8.elementsEqual(key.utf8) } ?? false }
        let value = found.map { part($0.value) }
        return value?.isNone == false ? value : nil
    }

    /// The text keys of a dict, or the attributes of an object, those that are None too.
    var keys: [String] { (items ?? []).compactMap { graph.nodes[$0.key].text } }

    /// The items of a dict or of an object's state; one step only, as a hostile graph may hold cycles.
    private var items: [(key: Int, value: Int)]? {
        var node = node
        if case .object(_, _, let state?) = node { node = graph.nodes[state] }
        if case .dict(let items) = node { return items }
        return nil
    }

    var isNone: Bool {
        if case .none = node { true } else { false }
    }

    /// The elements of a list or tuple, or nil.
    var elements: [ObjectView]? {
        switch node {
        case .list(let items), .tuple(let items): items.map(part)
        default: nil
        }
    }

    var string: String? { node.text }

    var bool: Bool? {
        if case .bool(let flag) = node { flag } else { nil }
    }

    /// The value of a number or of an array with one element.
    var double: Double? {
        switch node {
        case .int(let number): Double(number)
        case .double(let number): number
        case .array(let array): array.doubles.flatMap { $0.count == 1 ? $0[0] : nil }
        default: nil
        }
    }

    /// The numbers of an array in row order, or nil.
    var doubles: [Double]? {
        if case .array(let array) = node { array.doubles } else { nil }
    }

    /// The rows of an array of numbers with two dimensions, or nil.
    var matrix: [[Double]]? {
        guard let shape, shape.count == 2, let flat = doubles, shape[0] <= flat.count else { return nil }
        return (0..<shape[0]).map { Array(flat[$0 * shape[1]..<($0 + 1) * shape[1]]) }
    }

    /// The value of a whole number, or nil.
    var integer: Int? { double.flatMap { Int(exactly: $0) } }

    /// The numbers of an array, or of a list of numbers.
    var numbers: [Double]? {
        if let doubles { return doubles }
        guard let elements else { return nil }
        let found = elements.compactMap(\.double)
        return found.count == elements.count ? found : nil
    }

    /// A number, a text, or NaN for None.
    var cell: Cell? {
        if let string { return .text(string) }
        if isNone { return .number(.nan) }
        if let bool { return .number(bool ? 1 : 0) }
        return double.map(Cell.number)
    }

    /// The numbers and texts of an array or a list, or nil.
    var cells: [Cell]? {
        if case .array(let array) = node, array.objects == nil, "US".contains(array.type.kind) {
            return array.labels?.map(Cell.text)
        }
        if let doubles { return doubles.map(Cell.number) }
        guard let members else { return nil }
        let cells = members.compactMap(\.cell)
        return cells.count == members.count ? cells : nil
    }

    /// What the labels of an array or list are.
    var labelType: LabelType {
        if case .array(let array) = node, array.objects == nil {
            switch array.type.kind {
            case "i", "u": return .int
            case "f": return .double
            case "b": return .bool
            default: return .text
            }
        }
        switch members?.first?.node {
        case .int: return .int
        case .double: return .double
        case .bool: return .bool
        default: return .text
        }
    }

    /// The elements of a list or tuple, or of an array of objects.
    var members: [ObjectView]? {
        if case .array(let array) = node, let objects = array.objects {
            return objects.map(part)
        }
        return elements
    }

    /// The numbers of one part of an array's structured elements, or nil.
    func column(_ name: String) -> [Double]? {
        if case .array(let array) = node { array.column(name) } else { nil }
    }

    /// The arguments that an object was constructed with.
    var arguments: [ObjectView]? {
        guard case .object(_, let index, _) = node else { return nil }
        return part(index).elements
    }

    /// The shape of an array, or nil.
    var shape: [Int]? {
        if case .array(let array) = node { array.shape } else { nil }
    }

    /// The texts of an array or list of strings, or of numbers as Python prints them.
    var labels: [String]? {
        switch node {
        case .array(let array):
            if let objects = array.objects { return objects.compactMap { graph.nodes[$0].label } }
            return array.labels
        case .list(let items), .tuple(let items):
            let labels = items.compactMap { graph.nodes[$0].label }
            return labels.count == items.count ? labels : nil
        default: return nil
        }
    }
}

extension ObjectNode {
    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    fileprivate var label: String? {
        switch self {
        case .string(let text): text
        case .int(let number): String(number)
        case .double(let number): number.description
        case .bool(let flag): flag ? "True" : "False"
        default: nil
        }
    }
}

extension Cell {
    var isText: Bool {
        if case .text = self { true } else { false }
    }
}
