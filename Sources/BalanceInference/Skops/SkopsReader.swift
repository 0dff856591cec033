import BalanceCore

/// Reads skops archives as data: a `schema.json` that nests the objects, and their arrays as `.npy` members.
///
/// It builds the graph that the pickle reader builds. A class that is not in ``PickleGlobals`` ends the reading.
/// Source: skops' `io` package (nodes and their loaders).
struct SkopsReader {
    private let archive: ZipArchive
    private var nodes: [ObjectNode] = [.none, .bool(false), .bool(true)]
    /// What stands under an `__id__`, for the places that repeat it.
    private var memo: [Int: Int] = [:]
    /// The arrays that were read, by their members' names.
    private var arrays: [String: Int] = [:]

    private static let maximumDepth = 400
    private static let maximumNodes = 8_000_000

    static func read(_ bytes: [UInt8]) throws -> ObjectGraph {
        var reader = SkopsReader(archive: try ZipArchive(bytes))
        guard let schema = try reader.archive.member("schema.json") else {
            throw Failure(.modelNotReadable, "not a skops file: the archive has no schema.json")
        }
        guard let json = try? JSONValue(parsing: schema, maximumDepth: maximumDepth) else {
            throw damaged("invalid schema")
        }
        let root = try reader.node(json, depth: 0)
        return ObjectGraph(nodes: reader.nodes, root: root)
    }

    private init(archive: ZipArchive) { self.archive = archive }

    private mutating func node(_ json: JSONValue, depth: Int) throws -> Int {
        guard depth < Self.maximumDepth, nodes.count < Self.maximumNodes else { throw Self.damaged("too many objects") }
        let id = json["__id__"]?.integer
        if json["__loader__"]?.string == "CachedNode" || json["content"] == nil && json["file"] == nil, let id,
            let known = memo[id]
        {
            return known
        }
        let index = try build(json, depth: depth)
        if let id { memo[id] = index }
        return index
    }

    private mutating func build(_ json: JSONValue, depth: Int) throws -> Int {
        let content = json["content"] ?? .null
        switch json["__loader__"]?.string {
        case "JsonNode": return try plain(content)
        case "ListNode": return push(.list(try elements(content, depth)))
        case "TupleNode", "SetNode": return push(.tuple(try elements(content, depth)))
        case "DictNode", "DefaultDictNode", "OrderedDictNode": return try dict(json, depth: depth)
        case "BytesNode", "BytearrayNode":
            guard let file = json["file"]?.string, let bytes = try archive.member(file) else {
                throw Self.damaged("missing bytes")
            }
            return push(.bytes(bytes))
        case "NdArrayNode", "MaskedArrayNode": return try array(json, depth: depth)
        case "TypeNode", "FunctionNode", "MethodNode", "PartialNode", "OperatorFuncNode", "DtypeNode",
            "RandomStateNode",
            "RandomGeneratorNode", "SliceNode", "DatetimeNode":
            return try other(json, depth: depth)
        case .some: return try object(json, depth: depth)
        case nil: throw Self.damaged("an object without a loader")
        }
    }

    /// A value that is written as JSON in a text.
    private mutating func plain(_ content: JSONValue) throws -> Int {
        guard let text = content.string, let value = try? JSONValue(parsing: Array(text.utf8), allowsNonFinite: true)
        else {
            throw Self.damaged("a value that is not valid JSON")
        }
        switch value {
        case .null: return 0
        case .bool(let flag): return flag ? 2 : 1
        case .int(let number): return push(.int(number))
        case .double(let number): return push(.double(number))
        case .string(let text): return push(.string(text))
        default: throw Self.damaged("an invalid value")
        }
    }

    private mutating func elements(_ content: JSONValue, _ depth: Int) throws -> [Int] {
        guard let elements = content.elements else { throw Self.damaged("a list") }
        var indices: [Int] = []
        for element in elements { indices.append(try node(element, depth: depth + 1)) }
        return indices
    }

    private mutating func dict(_ json: JSONValue, depth: Int) throws -> Int {
        guard let members = json["content"]?.members else { throw Self.damaged("a dict") }
        var items: [(key: Int, value: Int)] = []
        for (key, value) in members { items.append((push(.string(key)), try node(value, depth: depth + 1))) }
        return push(.dict(items))
    }

    private mutating func array(_ json: JSONValue, depth: Int) throws -> Int {
        if let file = json["file"]?.string {
            if let known = arrays[file] { return known }
            guard let bytes = try archive.member(file) else { throw Self.damaged("a missing array") }
            let index = push(.array(try NpyFile.array(bytes)))
            arrays[file] = index
            return index
        }
        // An array of objects is written as the list of its elements.
        guard let content = json["content"], let type = NumpyType("O") else { throw Self.damaged("an array") }
        let list: [Int]
        if content["__loader__"] != nil {
            let index = try node(content, depth: depth + 1)
            guard case .list(let items) = nodes[index] else { throw Self.damaged("an array") }
            list = items
        } else {
            list = try elements(content, depth)
        }
        // One of two dimensions is a list of lists.
        let flat = list.flatMap { item -> [Int] in
            if case .list(let inner) = nodes[item] { inner } else { [item] }
        }
        return push(.array(NumpyArray(type: type, shape: [flat.count], objects: flat)))
    }

    private mutating func object(_ json: JSONValue, depth: Int) throws -> Int {
        let name = try className(json)
        var arguments = push(.tuple([]))
        if let reduced = json["__reduce__"]?["args"] { arguments = try node(reduced, depth: depth + 1) }
        let content = json["content"] ?? .null
        var state = content.members == nil ? nil : try node(content, depth: depth + 1)
        // Compiled classes keep a state that is no dict; no estimator that can be served does.
        if let index = state, case .dict = nodes[index] {} else { state = nil }
        return push(.object(className: name, arguments: arguments, state: state))
    }

    /// Types, functions and states of random numbers, by their names; slices by their ends.
    private mutating func other(_ json: JSONValue, depth: Int) throws -> Int {
        if json["__loader__"]?.string == "SliceNode", let content = json["content"] {
            let ends = ["start", "stop", "step"].map { name -> Int in
                if let label = content[name]?.string { return push(.string(label)) }
                guard let number = content[name]?.integer else { return 0 }
                return push(.int(number))
            }
            return push(.object(className: "builtins.slice", arguments: push(.tuple(ends)), state: nil))
        }
        if json["__loader__"]?.string == "PartialNode", let function = json["content"]?["func"] {
            let inner = try node(function, depth: depth + 1)
            return push(.object(className: "functools.partial", arguments: push(.tuple([inner])), state: nil))
        }
        // A function is named by its content, its class being that of all functions.
        if let content = json["content"], let module = content["module_path"]?.string {
            return push(.global("\(module).\(content["function"]?.string ?? "")"))
        }
        let module = json["__module__"]?.string ?? ""
        return push(.global("\(module).\(json["__class__"]?.string ?? "")"))
    }

    private func className(_ json: JSONValue) throws -> String {
        let name = "\(json["__module__"]?.string ?? "").\(json["__class__"]?.string ?? "")"
        guard PickleGlobals.isAllowed(name) else {
            throw Failure(
                .modelNotReadable,
                "the skops file contains '\(name.prefix(200))', which is not on the allow list; "
                    + "nothing was executed",
                hint: "save a supported model: docs/model-formats.md lists them"
            )
        }
        return PickleGlobals.canonical(name)
    }

    private mutating func push(_ node: ObjectNode) -> Int {
        nodes.append(node)
        return nodes.count - 1
    }

    private static func damaged(_ what: String) -> Failure {
        Failure(.modelNotReadable, "the skops file is damaged: \(what)", hint: "save the model again")
    }
}
