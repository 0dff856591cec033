import BalanceCore

/// What can be told of an ONNX file without the library that executes it.
///
/// Source: onnx.proto3. The walk looks at the few fields that matter and skips the rest; each step is bounded by the bytes.
struct OnnxFile {
    /// The names of the operators that its graph uses.
    private(set) var operators: Set<String> = []
    /// The labels of a classifier, where an operator has them as an attribute.
    private(set) var labels: [String]?
    private(set) var labelType = LabelType.int
    private var hasGraph = false

    private static let maximumDepth = 32

    /// Whether the bytes begin as a model does: with the version of the format, which is a small number.
    static func isModel(_ bytes: [UInt8]) -> Bool {
        bytes.count > 8 && bytes[0] == 0x08 && (1...64).contains(bytes[1])
            && [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42].contains(bytes[2])
    }

    /// - Throws: `Failure` with code `modelNotReadable`, also where the model keeps data in other files.
    init(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { raw in
            try walk(raw, .model, depth: 0)
        }
        guard hasGraph else { throw Self.damaged }
    }

    /// The messages that are looked into.
    private enum Message {
        case model, graph, node, attribute, tensor, sparseTensor, function, training

        /// What a field of this message holds, where that is looked into.
        func child(_ field: Int) -> Message? {
            switch (self, field) {
            case (.model, 7), (.attribute, 6), (.attribute, 11), (.training, 1), (.training, 2): .graph
            case (.model, 20): .training
            case (.model, 25): .function
            case (.function, 11): .attribute
            case (.graph, 1), (.function, 7): .node
            case (.graph, 5), (.attribute, 5), (.attribute, 10), (.sparseTensor, 1), (.sparseTensor, 2): .tensor
            case (.graph, 15), (.attribute, 22), (.attribute, 23): .sparseTensor
            case (.node, 5): .attribute
            default: nil
            }
        }
    }

    private mutating func walk(_ bytes: UnsafeRawBufferPointer, _ message: Message, depth: Int) throws {
        guard depth < Self.maximumDepth else { throw Self.damaged }
        if case .graph = message { hasGraph = true }
        var reader = ProtobufReader(bytes: bytes)
        if case .attribute = message { try readLabels(bytes) }
        if case .tensor = message, labels == nil { try readClasses(bytes) }
        while let (field, value) = try reader.next() {
            switch value {
            case .bytes(let part):
                if case .tensor = message, field == 13 { throw Self.externalData }
                if case .node = message, field == 4 { operators.insert(String(decoding: part, as: UTF8.self)) }
                if let child = message.child(field) { try walk(part, child, depth: depth + 1) }
            case .number(let number):
                // Where the data is: 0 is here. Readers look at 32 bits, whatever else is set.
                if case .tensor = message, field == 14, number & 0xFFFF_FFFF != 0 { throw Self.externalData }
            }
        }
    }

    /// The labels in an initializer that an ArrayFeatureExtractor picks from, which skl2onnx calls `classes`.
    private mutating func readClasses(_ bytes: UnsafeRawBufferPointer) throws {
        var reader = ProtobufReader(bytes: bytes)
        var name = "", type: UInt64 = 0
        var numbers: [Int] = [], texts: [String] = []
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (2, .number(let number)): type = number
            case (8, .bytes(let part)): name = String(decoding: part.prefix(40), as: UTF8.self)
            case (6, .bytes(let part)): texts.append(String(decoding: part, as: UTF8.self))
            case (5, .bytes(let part)), (7, .bytes(let part)):
                var packed = ProtobufReader(bytes: part)
                while let number = try packed.varint() { numbers.append(Int(truncatingIfNeeded: number)) }
            case (9, .bytes(let part)) where part.count <= 8 * 100_000: numbers += Self.wholes(part, type)
            default: continue
            }
        }
        guard name.hasPrefix("classes"), numbers.count + texts.count > 1 else { return }
        labels = texts.isEmpty ? numbers.map(String.init) : texts
        labelType = texts.isEmpty ? .int : .text
    }

    /// The whole numbers of a tensor's raw bytes, of 4 bytes (type 6) or 8 (type 7).
    private static func wholes(_ bytes: UnsafeRawBufferPointer, _ type: UInt64) -> [Int] {
        switch type {
        case 6: (0..<bytes.count / 4).map { Int(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
        case 7: (0..<bytes.count / 8).map { Int(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
        default: []
        }
    }

    private mutating func readLabels(_ bytes: UnsafeRawBufferPointer) throws {
        var reader = ProtobufReader(bytes: bytes)
        var name = ""
        var numbers: [Int] = []
        var texts: [String] = []
        while let (field, value) = try reader.next() {
            switch (field, value) {
            case (1, .bytes(let part)): name = String(decoding: part.prefix(40), as: UTF8.self)
            case (8, .number(let number)): numbers.append(Int(truncatingIfNeeded: number))
            case (8, .bytes(let part)):
                var packed = ProtobufReader(bytes: part)
                while let number = try packed.varint() { numbers.append(Int(truncatingIfNeeded: number)) }
            case (9, .bytes(let part)): texts.append(String(decoding: part, as: UTF8.self))
            default: continue
            }
        }
        guard name.hasPrefix("classlabels_"), !(numbers.isEmpty && texts.isEmpty) else { return }
        labels = texts.isEmpty ? numbers.map(String.init) : texts
        labelType = texts.isEmpty ? .int : .text
    }

    private static let damaged = Failure(
        .modelNotReadable,
        "the file starts like an ONNX model but cannot be read",
        hint: "save the model again"
    )

    private static let externalData = Failure(
        .modelNotReadable,
        "the ONNX model refers to external data files, which are not supported",
        hint: "save it into one file: onnx.save(model, path, save_as_external_data=False)"
    )
}

/// Steps through the fields of a protobuf message.
struct ProtobufReader {
    enum Value {
        case number(UInt64)
        case bytes(UnsafeRawBufferPointer)
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next field, or nil at the end; numbers of fixed size are skipped.
    mutating func next() throws -> (field: Int, value: Value)? {
        while let tag = try varint() {
            // Other readers cut a longer tag off, and would find another field than this one.
            guard tag >> 3 > 0, tag <= UInt64(UInt32.max) else { throw damaged }
            let field = Int(truncatingIfNeeded: tag >> 3)
            switch tag & 7 {
            case 0:
                guard let number = try varint() else { throw damaged }
                return (field, .number(number))
            case 1: try skip(8)
            case 2:
                guard let length = try varint(), length <= UInt64(bytes.count - position) else { throw damaged }
                defer { position += Int(length) }
                return (field, .bytes(UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(length)])))
            case 5: try skip(4)
            default: throw damaged
            }
        }
        return nil
    }

    /// The next number of variable length, or nil at the end.
    mutating func varint() throws -> UInt64? {
        guard position < bytes.count else { return nil }
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard position < bytes.count else { throw damaged }
            let byte = bytes[position]
            position += 1
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
        }
        throw damaged
    }

    private mutating func skip(_ count: Int) throws {
        guard count <= bytes.count - position else { throw damaged }
        position += count
    }

    private var damaged: Failure {
        Failure(.modelNotReadable, "the ONNX file is damaged or truncated", hint: "save the model again")
    }
}
