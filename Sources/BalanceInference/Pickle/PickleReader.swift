import BalanceCore

/// Reads pickle and joblib streams (protocols 2 to 5) as data.
///
/// It builds inert nodes and calls nothing. Every global is looked up in ``PickleGlobals``; the first one that is not
/// there ends the reading. Work and memory are linear in the size of the input. joblib writes an array as a
/// `NumpyArrayWrapper` whose raw bytes follow in the stream; these are taken in as they come.
///
/// Source: CPython's `pickletools` for the opcodes, joblib's `numpy_pickle` for its arrays.
struct PickleReader {
    private let input: [UInt8]
    private var position = 0
    private var stack: [Int] = []
    private var marks: [Int] = []
    private var memo: [Int: Int] = [:]
    private var nestedStreams = 0
    /// Bytes that were copied and items that were looked at, over the input's own: a small file may not ask for much.
    private var effort = 0
    var nodes: [ObjectNode] = [.none, .bool(false), .bool(true)]

    /// More nodes than any supported model needs; a file that wants more is refused.
    static let maximumNodes = 4_000_000

    init(_ input: [UInt8]) { self.input = input }

    /// Reads the whole input.
    static func read(_ input: [UInt8]) throws -> ObjectGraph {
        var reader = PickleReader(input)
        let root = try reader.stream()
        return ObjectGraph(nodes: reader.nodes, root: root)
    }

    /// Reads up to the opcode STOP and returns the index of the result.
    private mutating func stream() throws -> Int {
        while true {
            let start = position
            let opcode = try byte()
            if opcode == UInt8(ascii: ".") { return try pop() }
            do {
                try perform(opcode)
            } catch let failure as Failure {
                throw failure
            } catch {
                throw damaged("at byte \(start)")
            }
        }
    }

    private mutating func perform(_ opcode: UInt8) throws {
        switch opcode {
        case 0x80: _ = try byte()  // PROTO
        case 0x95: _ = try take(8)  // FRAME
        case 0x4E: try push(0)  // NONE
        case 0x89: try push(1)  // NEWFALSE
        case 0x88: try push(2)  // NEWTRUE
        case 0x4B: try push(.int(Int(byte())))  // BININT1
        case 0x4D: try push(.int(Int(unsigned(2))))  // BININT2
        case 0x4A: try push(.int(Int(Int32(truncatingIfNeeded: unsigned(4)))))  // BININT
        case 0x8A: try long(Int(byte()))  // LONG1
        case 0x8B: try long(count(4))  // LONG4
        case 0x47: try push(.double(Double(bitPattern: bigEndian())))  // BINFLOAT
        case 0x58: try text(count(4))  // BINUNICODE
        case 0x8C: try text(Int(byte()))  // SHORT_BINUNICODE
        case 0x8D: try text(count(8))  // BINUNICODE8
        case 0x55: try text(Int(byte()))  // SHORT_BINSTRING
        case 0x54: try text(count(4))  // BINSTRING
        case 0x42: try push(.bytes(Array(take(count(4)))))  // BINBYTES
        case 0x43: try push(.bytes(Array(take(Int(byte())))))  // SHORT_BINBYTES
        case 0x8E, 0x96: try push(.bytes(Array(take(count(8)))))  // BINBYTES8, BYTEARRAY8
        default: try performOnStack(opcode)
        }
    }

    private mutating func performOnStack(_ opcode: UInt8) throws {
        switch opcode {
        case 0x28: try mark()  // MARK
        case 0x30: _ = try pop()  // POP
        case 0x31: _ = try popToMark()  // POP_MARK
        case 0x32: try push(top())  // DUP
        case 0x71: try remember(Int(byte()))  // BINPUT
        case 0x72: try remember(Int(unsigned(4)))  // LONG_BINPUT
        case 0x94: try remember(memo.count)  // MEMOIZE
        case 0x68: try recall(Int(byte()))  // BINGET
        case 0x6A: try recall(Int(unsigned(4)))  // LONG_BINGET
        case 0x5D, 0x8F: try push(.list([]))  // EMPTY_LIST, EMPTY_SET
        case 0x7D: try push(.dict([]))  // EMPTY_DICT
        case 0x29: try push(.tuple([]))  // EMPTY_TUPLE
        case 0x6C, 0x91: try push(.list(popToMark()))  // LIST, FROZENSET
        case 0x74: try push(.tuple(popToMark()))  // TUPLE
        case 0x85...0x87: try push(.tuple(pop(count: Int(opcode) - 0x84)))  // TUPLE1 … TUPLE3
        case 0x61: try append([pop()])  // APPEND
        case 0x65, 0x90: try append(popToMark())  // APPENDS, ADDITEMS
        case 0x64: try push(.dict(pairs(popToMark())))  // DICT
        case 0x73: try setItems(pop(count: 2))  // SETITEM
        case 0x75: try setItems(popToMark())  // SETITEMS
        default: try performOnObjects(opcode)
        }
    }

    private mutating func performOnObjects(_ opcode: UInt8) throws {
        switch opcode {
        case 0x63: try global(line(), line())  // GLOBAL
        case 0x93:  // STACK_GLOBAL
            let names = try pop(count: 2).map { nodes[$0].text }
            guard let module = names[0], let name = names[1] else { throw damaged("a global has no name") }
            try global(module, name)
        case 0x52: try reduce(arguments: pop())  // REDUCE
        case 0x81: try newObject(arguments: pop())  // NEWOBJ
        case 0x92:  // NEWOBJ_EX
            _ = try pop()
            try newObject(arguments: pop())
        case 0x62: try build(state: pop())  // BUILD
        default: throw refusal(of: opcode)
        }
    }

    private func refusal(of opcode: UInt8) -> Failure {
        let names: [UInt8: String] = [
            0x50: "a persistent id", 0x51: "a persistent id", 0x82: "an extension code", 0x83: "an extension code",
            0x84: "an extension code", 0x97: "an out-of-band buffer", 0x98: "an out-of-band buffer",
        ]
        let textOpcodes = "ILFSVgpio".utf8
        if let name = names[opcode] { return unsupported("the pickle holds \(name)") }
        if textOpcodes.contains(opcode) { return unsupported("the pickle is of protocol 0 or 1") }
        return damaged("unknown opcode \(opcode)")
    }
}

// MARK: - Objects

extension PickleReader {
    private mutating func global(_ module: String, _ name: String) throws {
        let fullName = "\(module).\(name)"
        guard PickleGlobals.isAllowed(fullName) else {
            throw Failure(
                .modelNotReadable,
                "the pickle asks for '\(fullName)', which is not on the list of what may be read; nothing was executed",
                hint: "save a supported model: docs/model-formats.md lists them"
            )
        }
        try push(.global(PickleGlobals.canonical(fullName)))
    }

    private mutating func newObject(arguments: Int) throws {
        guard case .global(let name) = nodes[try pop()] else { throw damaged("an object without a class") }
        try push(.object(className: name, arguments: arguments, state: nil))
    }

    private mutating func reduce(arguments: Int) throws {
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
        case "collections.OrderedDict": try push(.dict([]))
        default: try push(.object(className: name, arguments: arguments, state: nil))
        }
    }

    private mutating func build(state: Int) throws {
        let target = try top()
        switch nodes[target] {
        case .object(let name, let arguments, _):
            let attributes = stateIndex(state)
            guard case .dict = nodes[attributes] else { throw damaged("attributes that are no dict") }
            nodes[target] = .object(className: name, arguments: arguments, state: attributes)
            if name == PickleGlobals.arrayWrapper {
                let array = try wrappedArray(attributes)
                stack[stack.count - 1] = nodes.count
                nodes.append(.array(array))
            }
        case .type(var type):
            guard case .tuple(let items) = nodes[state], items.count > 1 else { throw damaged("a dtype's state") }
            type.isBigEndian = nodes[items[1]].text == ">"
            nodes[target] = .type(type)
        case .array: nodes[target] = .array(try reconstructed(state))
        default: throw damaged("state for something that has none")
        }
    }

    /// The attributes of an object: of `(__dict__, slots)` the first.
    private func stateIndex(_ state: Int) -> Int {
        if case .tuple(let items) = nodes[state], items.count == 2, case .dict = nodes[items[0]] { return items[0] }
        return state
    }

    private func dtype(_ items: [Int]) throws -> NumpyType {
        guard let first = items.first, let text = nodes[first].text else { throw damaged("a dtype without a name") }
        guard let type = NumpyType(text) else { throw unsupported("the numpy type '\(text)' is not supported") }
        return type
    }

    private func bytesType() throws -> NumpyType {
        guard let type = NumpyType("u1") else { throw damaged("a dtype") }
        return type
    }

    private mutating func scalar(_ items: [Int]) throws {
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

    private mutating func frombuffer(_ items: [Int]) throws {
        guard items.count >= 3, case .bytes(let bytes) = nodes[items[0]], case .type(let type) = nodes[items[1]] else {
            throw damaged("an array's buffer")
        }
        let isFortran = items.count > 3 && nodes[items[3]].text == "F"
        let array = NumpyArray(type: type, shape: try shape(items[2]), isFortran: isFortran, bytes: bytes)
        try push(.array(try checked(array)))
    }

    /// The array of the state `(version, shape, dtype, fortran, data)`.
    private func reconstructed(_ state: Int) throws -> NumpyArray {
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

    private mutating func wrappedArray(_ state: Int) throws -> NumpyArray {
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
    private func item(_ key: String, of dict: Int) -> Int? {
        guard case .dict(let items) = nodes[dict] else { return nil }
        return items.last { nodes[$0.key].text == key }.flatMap { $0.value == 0 ? nil : $0.value }
    }

    /// An array of objects is a pickle of its own inside the stream, with its own stack and memo.
    private mutating func nestedArray() throws -> NumpyArray {
        nestedStreams += 1
        guard nestedStreams <= 1000, nestedStreams >= 0 else { throw unsupported("too many arrays of objects") }
        let outer = (stack, marks, memo)
        (stack, marks, memo) = ([], [], [:])
        let root = try stream()
        (stack, marks, memo) = outer
        guard case .array(let array) = nodes[root] else { throw damaged("an array of objects") }
        return array
    }

    private func shape(_ index: Int) throws -> [Int] {
        guard case .tuple(let items) = nodes[index], items.count <= 32 else { throw damaged("an array's shape") }
        return try items.map { item in
            guard case .int(let length) = nodes[item], length >= 0 else { throw damaged("an array's shape") }
            return length
        }
    }

    private func checked(_ array: NumpyArray) throws -> NumpyArray {
        let count = NumpyArray.count(of: array.shape)
        let held = array.objects?.count ?? (array.type.size > 0 ? array.bytes.count / array.type.size : 0)
        guard count == held else { throw damaged("an array whose size and shape differ") }
        return array
    }
}

// MARK: - Containers

extension PickleReader {
    private mutating func append(_ items: [Int]) throws {
        let target = try top()
        guard case .list(var list) = nodes[target] else { throw damaged("elements for something that is no list") }
        nodes[target] = .none  // so that the list is not copied
        list.append(contentsOf: items)
        nodes[target] = .list(list)
    }

    private mutating func setItems(_ items: [Int]) throws {
        let target = try top()
        guard case .dict(var dict) = nodes[target] else { throw damaged("items for something that is no dict") }
        nodes[target] = .none
        dict.append(contentsOf: try pairs(items))
        nodes[target] = .dict(dict)
    }

    private func pairs(_ items: [Int]) throws -> [(key: Int, value: Int)] {
        guard items.count.isMultiple(of: 2) else { throw damaged("a key without a value") }
        return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
    }

    private mutating func recall(_ key: Int) throws {
        guard let index = memo[key] else { throw damaged("a reference to nothing") }
        try push(index)
    }

    private mutating func remember(_ key: Int) throws {
        guard memo.count < Self.maximumNodes else { throw tooManyObjects }
        memo[key] = try top()
    }

    private mutating func mark() throws {
        guard marks.count < Self.maximumNodes else { throw tooManyObjects }
        marks.append(stack.count)
    }

    private mutating func spend(_ amount: Int) throws {
        effort += amount
        guard effort <= input.count + 1 << 24 else {
            throw unsupported("the file asks for more work than its size allows")
        }
    }

    private mutating func push(_ node: ObjectNode) throws {
        guard nodes.count < Self.maximumNodes else { throw tooManyObjects }
        nodes.append(node)
        try push(nodes.count - 1)
    }

    private mutating func push(_ index: Int) throws {
        guard stack.count < Self.maximumNodes else { throw tooManyObjects }
        stack.append(index)
    }

    private var tooManyObjects: Failure {
        unsupported("the file describes more than \(Self.maximumNodes) objects")
    }

    private func top() throws -> Int {
        guard let last = stack.last, stack.count > (marks.last ?? 0) else { throw damaged("the stack is empty") }
        return last
    }

    private mutating func pop() throws -> Int {
        let index = try top()
        stack.removeLast()
        return index
    }

    private mutating func pop(count: Int) throws -> [Int] {
        guard stack.count - (marks.last ?? 0) >= count else { throw damaged("the stack is empty") }
        let items = Array(stack.suffix(count))
        stack.removeLast(count)
        return items
    }

    private mutating func popToMark() throws -> [Int] {
        guard let mark = marks.popLast(), mark <= stack.count else { throw damaged("a mark is missing") }
        let items = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return items
    }
}

// MARK: - Bytes

extension PickleReader {
    private mutating func byte() throws -> UInt8 {
        guard position < input.count else { throw damaged("it ends too early") }
        position += 1
        return input[position - 1]
    }

    private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count >= 0, count <= input.count - position else { throw damaged("it ends too early") }
        position += count
        return input[position - count..<position]
    }

    private mutating func unsigned(_ size: Int) throws -> UInt64 {
        try take(size).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func count(_ size: Int) throws -> Int {
        guard let count = Int(exactly: try unsigned(size)) else { throw damaged("it ends too early") }
        return count
    }

    private mutating func bigEndian() throws -> UInt64 { try take(8).reduce(0) { $0 << 8 | UInt64($1) } }

    /// A two's complement integer; one over 64 bits keeps its bytes, as no supported model has use for it.
    private mutating func long(_ size: Int) throws {
        let bytes = try take(size)
        guard size <= 8 else { return try push(.bytes(Array(bytes))) }
        let bits = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let shift = UInt64(64 - size * 8)
        try push(.int(size == 0 ? 0 : Int(Int64(bitPattern: bits << shift) >> Int64(shift))))
    }

    private mutating func text(_ size: Int) throws {
        guard let text = String(validating: try take(size), as: UTF8.self) else { throw damaged("a text is no UTF-8") }
        try push(.string(text))
    }

    private mutating func line() throws -> String {
        let rest = input[position...].prefix(1000)
        guard let end = rest.firstIndex(of: 0x0A), let text = String(validating: rest[..<end], as: UTF8.self) else {
            throw damaged("a name does not end")
        }
        position = end + 1
        return text
    }

    private func damaged(_ reason: String) -> Failure {
        Failure(
            .modelNotReadable,
            "the pickle is damaged near byte \(position): \(reason)",
            hint: "save the model again, or promote another one"
        )
    }

    private func unsupported(_ reason: String) -> Failure {
        Failure(.modelNotReadable, reason, hint: "docs/model-formats.md lists what can be served")
    }
}
