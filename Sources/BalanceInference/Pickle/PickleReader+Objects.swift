import BalanceCore

/// What pickles build: globals, instances, and numpy's types, arrays and numbers.
extension PickleReader {
    mutating func global(_ module: String, _ name: String) throws {
        let fullName = "\(module).\(name)"
        guard PickleGlobals.isAllowed(fullName) else {
            throw Failure(
                .modelNotReadable,
                "the pickle contains '\(fullName)', which is not on the allow list; nothing was executed",
                hint: "save a supported model: docs/model-formats.md lists them"
            )
        }
        try push(.global(PickleGlobals.canonical(fullName)))
    }

    mutating func newObject(arguments: Int) throws {
        guard case .global(let name) = nodes[try pop()] else { throw damaged("an object without a class") }
        try push(.object(className: name, arguments: arguments, state: nil))
    }

    mutating func reduce(arguments: Int) throws {
        guard case .global(let name) = nodes[try pop()], case .tuple(let items) = nodes[arguments] else {
            throw damaged("a call without a name or arguments")
        }
        switch name {
        case "numpy.dtype": try push(.type(dtype(items)))
        case "numpy._reconstruct":
            try push(.array(NumpyArray(type: try bytesType(), shape: [0])))
        case "numpy.scalar": try scalar(items)
        case "numpy._frombuffer": try frombuffer(items)
        case "_codecs.encode":
            guard let first = items.first, let text = nodes[first].text else { throw damaged("bytes without a text") }
            try spend(text.utf8.count)
            try push(.bytes(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }))
        case "copyreg._reconstructor":
            guard let first = items.first, case .global(let className) = nodes[first] else {
                throw damaged("an object without a class")
            }
            try push(.object(className: className, arguments: arguments, state: nil))
        case "builtins.bytearray":
            guard let first = items.first, case .bytes(let bytes) = nodes[first] else {
                // Protocol 2 writes the bytes as a text and the name of its encoding.
                let text = items.first.flatMap { nodes[$0].text } ?? ""
                try spend(text.utf8.count)
                return try push(.bytes(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }))
            }
            try spend(bytes.count)
            try push(.bytes(bytes))
        case "collections.OrderedDict", "collections.defaultdict": try push(.dict([]))
        case "pandas.core.indexes.base._new_Index":
            // An Index stands for its labels.
            guard items.count == 2, let labels = item("data", of: items[1]) else { throw damaged("an Index") }
            stack.append(labels)
        default: try push(.object(className: name, arguments: arguments, state: nil))
        }
    }

    mutating func build(state: Int) throws {
        let target = try top()
        switch nodes[target] {
        case .object(PickleGlobals.textArray, _, _):
            // Its state is a type and the array of texts that it stands for.
            guard case .tuple(let items) = nodes[state], items.count > 1, case .array = nodes[items[1]] else {
                throw damaged("an array of texts")
            }
            nodes[target] = nodes[items[1]]
        case .object(let name, let arguments, _):
            let attributes = stateIndex(state)
            // Compiled classes keep a state that is no dict; no estimator that can be served does.
            guard case .dict = nodes[attributes] else { return }
            nodes[target] = .object(className: name, arguments: arguments, state: attributes)
            if name == PickleGlobals.arrayWrapper {
                let array = try wrappedArray(attributes)
                stack[stack.count - 1] = nodes.count
                nodes.append(.array(array))
            }
        case .type(var type):
            guard case .tuple(let items) = nodes[state], items.count > 1 else { throw damaged("a dtype's state") }
            type.isBigEndian = nodes[items[1]].text == ">"
            try addFields(to: &type, items)
            nodes[target] = .type(type)
        case .array: nodes[target] = .array(try reconstructed(state))
        default: throw damaged("state for an object without state")
        }
    }

    /// The named parts in the state of a structured type: names, and for each a type and an offset.
    mutating func addFields(to type: inout NumpyType, _ items: [Int]) throws {
        guard type.kind == "V", items.count > 4, case .tuple(let names) = nodes[items[3]] else { return }
        guard names.count <= 200 else { throw damaged("a dtype with too many fields") }
        if case .dict(let fields) = nodes[items[4]] { try spend(names.count * fields.count * 16) }
        for name in names {
            guard let text = nodes[name].text, let place = item(text, of: items[4]),
                case .tuple(let parts) = nodes[place], parts.count >= 2, case .type(let part) = nodes[parts[0]],
                case .int(let offset) = nodes[parts[1]], type.add(text, part, at: offset) != nil
            else { throw damaged("a dtype's fields") }
        }
    }

    /// The attributes of an object: of `(__dict__, slots)` the first.
    func stateIndex(_ state: Int) -> Int {
        if case .tuple(let items) = nodes[state], items.count == 2, case .dict = nodes[items[0]] { return items[0] }
        return state
    }

    func dtype(_ items: [Int]) throws -> NumpyType {
        guard let first = items.first, let text = nodes[first].text else { throw damaged("a dtype without a name") }
        guard let type = NumpyType(text) else { throw unsupported("the numpy type '\(text)' is not supported") }
        return type
    }

    func bytesType() throws -> NumpyType {
        guard let type = NumpyType("u1") else { throw damaged("a dtype") }
        return type
    }

    mutating func scalar(_ items: [Int]) throws {
        guard items.count == 2, case .type(let type) = nodes[items[0]], case .bytes(let bytes) = nodes[items[1]],
            bytes.count == type.size
        else { throw damaged("a numpy number") }
        try spend(bytes.count)
        let array = NumpyArray(type: type, shape: [1], bytes: bytes)
        if type.kind == "b" { return try push(bytes[0] == 0 ? 1 : 2) }
        if let text = array.labels?.first, "iuU".contains(type.kind) {
            return try push(Int(text).flatMap { type.kind == "U" ? nil : .int($0) } ?? .string(text))
        }
        guard let number = array.doubles?.first else { throw damaged("a numpy number") }
        try push(.double(number))
    }

    mutating func frombuffer(_ items: [Int]) throws {
        guard items.count >= 3, case .bytes(let bytes) = nodes[items[0]], case .type(let type) = nodes[items[1]] else {
            throw damaged("an array's buffer")
        }
        let isFortran = items.count > 3 && nodes[items[3]].text == "F"
        let array = NumpyArray(type: type, shape: try shape(items[2]), isFortran: isFortran, bytes: bytes)
        try push(.array(try checked(array)))
    }

    /// The array of the state `(version, shape, dtype, fortran, data)`.
    func reconstructed(_ state: Int) throws -> NumpyArray {
        guard case .tuple(let items) = nodes[state], items.count == 5, case .type(let type) = nodes[items[2]] else {
            throw damaged("an array's state")
        }
        var array = NumpyArray(type: type, shape: try shape(items[1]))
        if case .bool(let flag) = nodes[items[3]] { array.isFortran = flag }
        switch nodes[items[4]] {
        case .bytes(let bytes): array.bytes = bytes
        case .list(let objects): array.objects = objects
        default: throw damaged("an array without data")
        }
        return try checked(array)
    }

    mutating func wrappedArray(_ state: Int) throws -> NumpyArray {
        if case .dict(let items) = nodes[state] { try spend(items.count * 4) }
        guard let typeIndex = item("dtype", of: state), case .type(let type) = nodes[typeIndex],
            let shapeIndex = item("shape", of: state)
        else { throw damaged("an array without type or shape") }
        if type.kind == "O" { return try nestedArray() }
        let isFortran = item("order", of: state).flatMap { nodes[$0].text } == "F"
        if item("numpy_array_alignment_bytes", of: state) != nil { _ = try take(Int(byte())) }
        let shape = try shape(shapeIndex)
        let (size, overflow) = (NumpyArray.count(of: shape) ?? .max).multipliedReportingOverflow(by: type.size)
        guard !overflow else { throw damaged("an array larger than the file") }
        return try checked(NumpyArray(type: type, shape: shape, isFortran: isFortran, bytes: Array(take(size))))
    }

    /// The value of a text key of a dict; nil for None.
    func item(_ key: String, of dict: Int) -> Int? {
        guard case .dict(let items) = nodes[dict] else { return nil }
        return items.last { nodes[$0.key].text == key }.flatMap { $0.value == 0 ? nil : $0.value }
    }

    /// An array of objects is a pickle of its own inside the stream, with its own stack and memo.
    mutating func nestedArray() throws -> NumpyArray {
        nestedStreams += 1
        nestedDepth += 1
        defer { nestedDepth -= 1 }
        guard nestedDepth <= 32 else { throw unsupported("arrays of objects that nest deeper than 32 levels") }
        guard nestedStreams <= 1000, nestedStreams >= 0 else { throw unsupported("too many arrays of objects") }
        let outer = (stack, marks, memo)
        (stack, marks, memo) = ([], [], [:])
        let root = try stream()
        (stack, marks, memo) = outer
        guard case .array(let array) = nodes[root] else { throw damaged("an array of objects") }
        return array
    }

    func shape(_ index: Int) throws -> [Int] {
        guard case .tuple(let items) = nodes[index], items.count <= 32 else { throw damaged("an array's shape") }
        return try items.map { item in
            guard case .int(let length) = nodes[item], length >= 0 else { throw damaged("an array's shape") }
            return length
        }
    }

    func checked(_ array: NumpyArray) throws -> NumpyArray {
        let count = NumpyArray.count(of: array.shape)
        let held = array.objects?.count ?? (array.type.size > 0 ? array.bytes.count / array.type.size : 0)
        guard count == held else { throw damaged("an array with inconsistent size and shape") }
        return array
    }
}
