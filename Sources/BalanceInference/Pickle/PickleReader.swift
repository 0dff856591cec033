import BalanceCore

/// Reads pickle and joblib streams (protocols 2 to 5) as data.
///
/// It builds inert nodes and calls nothing. Every global is looked up in ``PickleGlobals``; the first one that is not
/// there ends the reading. Work and memory are linear in the size of the input. joblib writes an array as a
/// `NumpyArrayWrapper` whose raw bytes follow in the stream; these are taken in as they come.
///
/// Source: CPython's `pickletools` for the opcodes, joblib's `numpy_pickle` for its arrays.
struct PickleReader {
    let input: [UInt8]
    var position = 0
    var stack: [Int] = []
    var marks: [Int] = []
    var memo: [Int: Int] = [:]
    var nestedStreams = 0
    var nestedDepth = 0
    /// Bytes that were copied and items that were looked at, over the input's own: a small file may not ask for much.
    var effort = 0
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
    mutating func stream() throws -> Int {
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

    mutating func perform(_ opcode: UInt8) throws {
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

    mutating func performOnStack(_ opcode: UInt8) throws {
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

    mutating func performOnObjects(_ opcode: UInt8) throws {
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

    func refusal(of opcode: UInt8) -> Failure {
        let names: [UInt8: String] = [
            0x50: "a persistent id", 0x51: "a persistent id", 0x82: "an extension code", 0x83: "an extension code",
            0x84: "an extension code", 0x97: "an out-of-band buffer", 0x98: "an out-of-band buffer",
        ]
        let textOpcodes = "ILFSVgpio".utf8
        if let name = names[opcode] { return unsupported("the pickle contains \(name), which is not supported") }
        if textOpcodes.contains(opcode) { return unsupported("pickle protocols 0 and 1 are not supported") }
        return damaged("unknown opcode \(opcode)")
    }
}
