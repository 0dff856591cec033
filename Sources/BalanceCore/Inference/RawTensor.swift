/// Tensors as the bytes that the Open Inference Protocol's binary extension and gRPC send.
///
/// Source: the binary data extension: row order, little-endian, no padding; before each text its length in 4 bytes.
package enum RawTensor {
    /// - Throws: `Failure` with code `invalidParameter` where size and shape differ.
    package static func tensor(_ name: String, _ type: TensorType, _ shape: [Int], _ bytes: [UInt8]) throws -> Tensor {
        guard let count = Tensor.count(of: shape) else {
            throw refusal(name, "an invalid shape \(shape): negative or too large")
        }
        guard let size = type.size else { return try texts(name, shape, count, bytes) }
        guard bytes.count == count * size else {
            throw refusal(
                name,
                "\(bytes.count) bytes, but its shape \(shape) of \(type.rawValue) requires \(count * size)"
            )
        }
        return Tensor(name, type, shape, bytes: bytes)
    }

    /// The bytes of a tensor.
    package static func bytes(of tensor: Tensor) -> [UInt8] {
        guard tensor.type == .bytes else { return tensor.bytes }
        return tensor.texts.flatMap { text in
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: text.count).littleEndian) { Array($0) } + text
        }
    }

    private static func texts(_ name: String, _ shape: [Int], _ count: Int, _ bytes: [UInt8]) throws -> Tensor {
        var texts: [[UInt8]] = []
        var position = 0
        while position < bytes.count {
            guard bytes.count - position >= 4 else { throw refusal(name, "a truncated text") }
            let length = (0..<4).reduce(0) { $0 | Int(bytes[position + $1]) << ($1 * 8) }
            position += 4
            guard length <= bytes.count - position else { throw refusal(name, "a truncated text") }
            texts.append(Array(bytes[position..<position + length]))
            position += length
        }
        guard texts.count == count else {
            throw refusal(name, "\(texts.count) texts, but its shape \(shape) requires \(count)")
        }
        return Tensor(name, shape, texts: texts)
    }

    private static func refusal(_ name: String, _ what: String) -> Failure {
        Failure(.invalidParameter, "input '\(name)' has \(what)")
    }
}
