import BalanceCore
import Foundation
import SwiftProtobuf

/// Tensors as gRPC's messages have them: as raw bytes, or as typed contents.
enum GRPCTensors {
    /// The inputs of a request, and whether they came as raw bytes.
    static func inputs(of request: Inference_ModelInferRequest) throws -> ([Tensor], isRaw: Bool) {
        guard !request.inputs.isEmpty else { throw refusal("the request has no inputs") }
        try refuseSharedMemory(request)
        let raw = request.rawInputContents
        guard raw.isEmpty || raw.count == request.inputs.count else {
            throw refusal(
                "\(request.inputs.count) inputs but \(raw.count) raw contents; send raw contents for all inputs or none"
            )
        }
        let tensors = try request.inputs.enumerated().map { index, input in
            guard let type = TensorType(rawValue: input.datatype) else {
                let names = TensorType.allCases.map(\.rawValue).joined(separator: ", ")
                throw refusal("invalid datatype of input '\(input.name)': use one of \(names)")
            }
            let shape = input.shape.map { Int($0) }
            if raw.isEmpty { return try typed(input, type, shape) }
            guard !input.hasContents else {
                throw refusal("input '\(input.name)' has both contents and raw contents")
            }
            return try RawTensor.tensor(input.name, type, shape, Array(raw[index]))
        }
        return (tensors, !raw.isEmpty)
    }

    private static func refuseSharedMemory(_ request: Inference_ModelInferRequest) throws {
        let places = request.inputs.map(\.parameters) + request.outputs.map(\.parameters)
        guard !places.contains(where: { $0["shared_memory_region"] != nil }) else {
            throw refusal("the extension 'shared memory' is not supported; send the data")
        }
        if let output = request.outputs.first(where: { ($0.parameters["classification"]?.int64Param ?? 0) > 0 }) {
            throw refusal("output '\(output.name)': the extension 'classification' is not supported")
        }
    }

    private static func typed(
        _ input: Inference_ModelInferRequest.InferInputTensor,
        _ type: TensorType,
        _ shape: [Int]
    ) throws -> Tensor {
        let contents = input.contents
        guard let count = Tensor.count(of: shape) else {
            throw refusal("invalid shape \(shape) of input '\(input.name)': negative or too large")
        }
        if type == .bytes {
            try check(contents.bytesContents.count, count, input.name)
            return Tensor(input.name, shape, texts: contents.bytesContents.map { Array($0) })
        }
        let bytes = try bytes(contents, type, input.name)
        try check(bytes.count / (type.size ?? 1), count, input.name)
        return Tensor(input.name, type, shape, bytes: bytes)
    }

    private static func bytes(
        _ contents: Inference_InferTensorContents,
        _ type: TensorType,
        _ name: String
    ) throws -> [UInt8] {
        switch type {
        case .bool: return contents.boolContents.map { $0 ? 1 : 0 }
        case .int8: return try narrow(contents.intContents, Int8.self, name)
        case .int16: return try narrow(contents.intContents, Int16.self, name)
        case .int32: return packed(contents.intContents)
        case .int64: return packed(contents.int64Contents)
        case .uint8: return try narrow(contents.uintContents, UInt8.self, name)
        case .uint16: return try narrow(contents.uintContents, UInt16.self, name)
        case .uint32: return packed(contents.uintContents)
        case .uint64: return packed(contents.uint64Contents)
        case .float32: return packed(contents.fp32Contents)
        case .float64: return packed(contents.fp64Contents)
        case .float16, .bfloat16, .bytes:
            throw refusal("input '\(name)' of type \(type.rawValue) must be sent as raw contents")
        }
    }

    private static func packed(_ values: [some BitwiseCopyable]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

    private static func narrow<Value: FixedWidthInteger & BitwiseCopyable>(
        _ values: [some FixedWidthInteger],
        _: Value.Type,
        _ name: String
    ) throws -> [UInt8] {
        packed(
            try values.map { value in
                guard let narrow = Value(exactly: value) else {
                    throw refusal("input '\(name)' has value \(value), which is out of range for its type")
                }
                return narrow
            }
        )
    }

    private static func check(_ found: Int, _ wanted: Int, _ name: String) throws {
        guard found == wanted else {
            throw refusal("input '\(name)' has \(found) elements, but its shape requires \(wanted)")
        }
    }

    /// Puts the outputs into an answer, in the form that the inputs came in.
    static func write(_ outputs: [Tensor], to response: inout Inference_ModelInferResponse, isRaw: Bool) {
        // Half precision has no typed form, and an answer is all raw or all typed.
        let isRaw = isRaw || outputs.contains { $0.type == .float16 || $0.type == .bfloat16 }
        for output in outputs {
            var tensor = Inference_ModelInferResponse.InferOutputTensor()
            tensor.name = output.name
            tensor.datatype = output.type.rawValue
            tensor.shape = output.shape.map { Int64($0) }
            if isRaw {
                response.rawOutputContents.append(Data(RawTensor.bytes(of: output)))
            } else {
                tensor.contents = contents(of: output)
            }
            response.outputs.append(tensor)
        }
    }

    private static func contents(of tensor: Tensor) -> Inference_InferTensorContents {
        .with { contents in
            switch tensor.type {
            case .bool: contents.boolContents = tensor.bytes.map { $0 != 0 }
            case .int8, .int16, .int32: contents.intContents = tensor.doubles.map { Int32($0) }
            case .uint8, .uint16, .uint32: contents.uintContents = tensor.doubles.map { UInt32($0) }
            case .int64: contents.int64Contents = unpacked(tensor)
            case .uint64: contents.uint64Contents = unpacked(tensor)
            case .float32: contents.fp32Contents = unpacked(tensor)
            case .float64, .float16, .bfloat16: contents.fp64Contents = tensor.doubles
            case .bytes: contents.bytesContents = tensor.texts.map { Data($0) }
            }
        }
    }

    private static func unpacked<Value: BitwiseCopyable>(_ tensor: Tensor) -> [Value] {
        tensor.bytes.withUnsafeBytes { raw in
            (0..<tensor.count).map {
                raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Value>.size, as: Value.self)
            }
        }
    }

    private static func refusal(_ message: String) -> Failure { Failure(.invalidParameter, message) }
}
