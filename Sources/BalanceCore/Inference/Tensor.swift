/// The element type of a tensor; the raw value is the Open Inference Protocol's name.
package enum TensorType: String, Sendable, CaseIterable {
    case bool = "BOOL"
    case uint8 = "UINT8"
    case uint16 = "UINT16"
    case uint32 = "UINT32"
    case uint64 = "UINT64"
    case int8 = "INT8"
    case int16 = "INT16"
    case int32 = "INT32"
    case int64 = "INT64"
    case float16 = "FP16"
    case bfloat16 = "BF16"
    case float32 = "FP32"
    case float64 = "FP64"
    case bytes = "BYTES"

    /// The bytes of an element; nil for texts, which have a length of their own.
    package var size: Int? {
        switch self {
        case .bool, .uint8, .int8: 1
        case .uint16, .int16, .float16, .bfloat16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        case .bytes: nil
        }
    }
}

/// What a model says of one of its inputs or outputs.
package struct TensorSpec: Sendable, Equatable {
    package var name: String
    package var type: TensorType
    /// The lengths of its dimensions; -1 for one that is free.
    package var shape: [Int]

    package init(_ name: String, _ type: TensorType, _ shape: [Int]) {
        self.name = name
        self.type = type
        self.shape = shape
    }
}

/// A block of numbers or texts in row order.
package struct Tensor: Sendable {
    package var name: String
    package var type: TensorType
    package var shape: [Int]
    /// The elements, little-endian; empty for texts.
    package var bytes: [UInt8]
    /// The elements of a tensor of texts, which need not be valid UTF-8.
    package var texts: [[UInt8]]

    /// A tensor of numbers whose bytes fit its shape.
    package init(_ name: String, _ type: TensorType, _ shape: [Int], bytes: [UInt8]) {
        self.name = name
        self.type = type
        self.shape = shape
        self.bytes = bytes
        texts = []
    }

    /// A tensor of texts.
    package init(_ name: String, _ shape: [Int], texts: [[UInt8]]) {
        self.name = name
        type = .bytes
        self.shape = shape
        bytes = []
        self.texts = texts
    }

    /// A tensor of numbers in double precision.
    package init(_ name: String, _ shape: [Int], _ values: [Double]) {
        self.init(name, .float64, shape, bytes: values.withUnsafeBytes { Array($0) })
    }

    /// More elements than any request may ask for.
    package static let maximumCount = 1 << 28

    /// How many elements a shape asks for, or nil where it is negative or too large.
    package static func count(of shape: [Int]) -> Int? {
        var count = 1
        for length in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard length >= 0, !overflow, product <= maximumCount else { return nil }
            count = product
        }
        return count
    }

    /// How many elements there are.
    package var count: Int { type.size.map { bytes.count / $0 } ?? texts.count }

    /// The numbers in double precision, with 64-bit integers rounded; empty for texts.
    package var doubles: [Double] {
        bytes.withUnsafeBytes { raw in
            (0..<(type == .bytes ? 0 : count)).map { index in
                func load<Value: BitwiseCopyable>(_: Value.Type) -> Value {
                    raw.loadUnaligned(fromByteOffset: index * MemoryLayout<Value>.size, as: Value.self)
                }
                switch type {
                case .bool: return load(UInt8.self) == 0 ? 0 : 1
                case .uint8: return Double(load(UInt8.self))
                case .uint16: return Double(load(UInt16.self))
                case .uint32: return Double(load(UInt32.self))
                case .uint64: return Double(load(UInt64.self))
                case .int8: return Double(load(Int8.self))
                case .int16: return Double(load(Int16.self))
                case .int32: return Double(load(Int32.self))
                case .int64: return Double(load(Int64.self))
                case .float16: return HalfPrecision.double(load(UInt16.self))
                case .bfloat16: return Double(Float(bitPattern: UInt32(load(UInt16.self)) << 16))
                case .float32: return Double(load(Float.self))
                case .float64: return load(Double.self)
                case .bytes: return 0
                }
            }
        }
    }
}

/// IEEE 754 binary16 by its fields; the platform's type is not available on every target.
package enum HalfPrecision {
    package static func double(_ bits: UInt16) -> Double {
        let sign: Double = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int(bits >> 10 & 0x1F)
        let fraction = Double(bits & 0x3FF)
        if exponent == 31 { return fraction == 0 ? sign * .infinity : .nan }
        if exponent == 0 { return sign * fraction * 0x1p-24 }
        return sign * (1 + fraction / 1024) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
    }
}
