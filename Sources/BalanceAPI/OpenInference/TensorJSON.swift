import BalanceCore

/// Tensors as the Open Inference Protocol's JSON has them.
enum TensorJSON {
    /// The tensor of a list that is flat or nested.
    ///
    /// - Throws: `Failure` with code `invalidParameter` that names the first wrong element.
    static func tensor(_ name: String, _ type: TensorType, _ shape: [Int], _ data: JSONValue) throws -> Tensor {
        guard let count = Tensor.count(of: shape) else {
            throw refusal("invalid shape \(shape) of input '\(name)': negative or too large")
        }
        guard data.elements != nil else { throw refusal("'data' of input '\(name)' must be a list") }
        var reader = ElementReader(name: name, type: type)
        try reader.add(data)
        guard reader.count == count else {
            throw refusal("input '\(name)' has \(reader.count) elements, but its shape \(shape) requires \(count)")
        }
        return type == .bytes
            ? Tensor(name, shape, texts: reader.texts) : Tensor(name, type, shape, bytes: reader.bytes)
    }

    /// The elements in row order, for an answer.
    ///
    /// - Throws: `Failure` with code `invalidParameter` where a number cannot stand in JSON.
    static func data(of tensor: Tensor) throws -> JSONValue {
        switch tensor.type {
        case .bytes: return .array(tensor.texts.map { .string(String(decoding: $0, as: UTF8.self)) })
        case .bool: return .array(tensor.bytes.map { .bool($0 != 0) })
        case .int64: return integers(tensor, Int64.self) { Int($0) }
        case .uint64: return integers(tensor, UInt64.self) { Int(exactly: $0) }
        case .float16, .bfloat16, .float32, .float64:
            return .array(
                try tensor.doubles.map { number in
                    guard number.isFinite else {
                        throw refusal(
                            "output '\(tensor.name)' is \(number), which JSON cannot represent; request binary_data"
                        )
                    }
                    return .double(number)
                }
            )
        default: return .array(tensor.doubles.map { .int(Int($0)) })
        }
    }

    /// The lengths of nested lists, by their first elements.
    static func shape(of data: JSONValue) -> [Int] {
        var shape: [Int] = []
        var level = data
        while let elements = level.elements {
            shape.append(elements.count)
            guard let first = elements.first else { break }
            level = first
        }
        return shape
    }

    /// The elements in lists that nest as the shape does.
    static func nested(_ tensor: Tensor) throws -> JSONValue {
        var level = try data(of: tensor).elements ?? []
        for length in tensor.shape.dropFirst().reversed() where length > 0 {
            level = stride(from: 0, to: level.count, by: length).map { .array(Array(level[$0..<$0 + length])) }
        }
        return .array(level)
    }

    private static func integers<Value: BitwiseCopyable>(
        _ tensor: Tensor,
        _: Value.Type,
        _ convert: (Value) -> Int?
    ) -> JSONValue {
        tensor.bytes.withUnsafeBytes { raw in
            .array(
                (0..<tensor.count).map { index in
                    let value = raw.loadUnaligned(fromByteOffset: index * MemoryLayout<Value>.size, as: Value.self)
                    return convert(value).map(JSONValue.int) ?? .string("\(value)")
                }
            )
        }
    }

    static func refusal(_ message: String) -> Failure { Failure(.invalidParameter, message) }
}

/// Collects the elements of a list in the bytes of their type.
private struct ElementReader {
    let name: String
    let type: TensorType
    var bytes: [UInt8] = []
    var texts: [[UInt8]] = []
    var count = 0

    /// The reader of JSON bounds how deep lists nest.
    mutating func add(_ value: JSONValue) throws {
        if let elements = value.elements {
            for element in elements { try add(element) }
            return
        }
        count += 1
        switch type {
        case .bytes:
            guard let text = value.string else { throw wrong("a string", value) }
            texts.append(Array(text.utf8))
        case .bool:
            guard let flag = value.boolean ?? value.integer.flatMap({ $0 == 0 ? false : $0 == 1 ? true : nil }) else {
                throw wrong("true or false", value)
            }
            bytes.append(flag ? 1 : 0)
        case .float64: append(try number(value))
        case .float32: append(Float(try number(value)))
        case .uint8: try append(integer(value) as UInt8)
        case .uint16: try append(integer(value) as UInt16)
        case .uint32: try append(integer(value) as UInt32)
        case .uint64: try append(integer(value) as UInt64)
        case .int8: try append(integer(value) as Int8)
        case .int16: try append(integer(value) as Int16)
        case .int32: try append(integer(value) as Int32)
        case .int64: try append(integer(value) as Int64)
        case .float16, .bfloat16:
            throw TensorJSON.refusal("input '\(name)' of type \(type.rawValue) must be sent as binary data")
        }
    }

    private func number(_ value: JSONValue) throws -> Double {
        // A model that takes no missing values says so itself.
        if value.isNull { return .nan }
        guard let number = value.number else { throw wrong("a number", value) }
        return number
    }

    private func integer<Value: FixedWidthInteger>(_ value: JSONValue) throws -> Value {
        let found = value.integer.flatMap { Value(exactly: $0) } ?? value.number.flatMap { Value(exactly: $0) }
        guard let found else { throw wrong("a whole number of type \(type.rawValue)", value) }
        return found
    }

    private mutating func append<Value: BitwiseCopyable>(_ value: Value) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    private func wrong(_ wanted: String, _ value: JSONValue) -> Failure {
        let found = String(decoding: value.bytes().prefix(60), as: UTF8.self)
        return TensorJSON.refusal("input '\(name)', element \(count - 1): \(found) is not \(wanted)")
    }
}
