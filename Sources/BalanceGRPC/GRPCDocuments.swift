import BalanceService
import BalanceCore
import SwiftProtobuf

/// What the protocol says of models, as gRPC's messages.
enum GRPCDocuments {
    static func metadata(_ model: ServedModel, _ versions: [Int]) -> Inference_ModelMetadataResponse {
        let signature = model.predictor.signature
        return .with {
            $0.name = model.name
            $0.versions = versions.map(String.init)
            $0.platform = model.platform
            $0.inputs = signature.inputs.map(tensor)
            $0.outputs = signature.outputs.map(tensor)
        }
    }

    private static func tensor(_ spec: TensorSpec) -> Inference_ModelMetadataResponse.TensorMetadata {
        .with {
            $0.name = spec.name
            $0.datatype = spec.type.rawValue
            $0.shape = spec.shape.map { Int64($0) }
        }
    }

    static func config(_ model: ServedModel) -> Inference_ModelConfig {
        let signature = model.predictor.signature
        let isBatched = signature.isBatched
        func dims(_ spec: TensorSpec) -> [Int64] {
            (isBatched ? Array(spec.shape.dropFirst()) : spec.shape).map(Int64.init)
        }
        return .with {
            $0.name = model.name
            $0.platform = model.platform
            $0.backend = "balanceops"
            $0.maxBatchSize = isBatched ? Int32(PredictionBody.maximumRows) : 0
            $0.input = signature.inputs.map { spec in
                .with {
                    $0.name = spec.name
                    $0.dataType = type(spec.type)
                    $0.dims = dims(spec)
                }
            }
            $0.output = signature.outputs.map { spec in
                .with {
                    $0.name = spec.name
                    $0.dataType = type(spec.type)
                    $0.dims = dims(spec)
                }
            }
        }
    }

    private static func type(_ type: TensorType) -> Inference_DataType {
        switch type {
        case .bool: .typeBool
        case .uint8: .typeUint8
        case .uint16: .typeUint16
        case .uint32: .typeUint32
        case .uint64: .typeUint64
        case .int8: .typeInt8
        case .int16: .typeInt16
        case .int32: .typeInt32
        case .int64: .typeInt64
        case .float16: .typeFp16
        case .bfloat16: .typeBf16
        case .float32: .typeFp32
        case .float64: .typeFp64
        case .bytes: .typeString
        }
    }

    static func statistics(_ entry: InferenceStatistics.Entry) -> Inference_ModelStatistics {
        .with { statistics in
            statistics.name = entry.name
            statistics.version = String(entry.version)
            statistics.lastInference = UInt64(max(entry.last.milliseconds, 0))
            statistics.inferenceCount = entry.rows
            statistics.executionCount = entry.success.count
            statistics.inferenceStats = .with {
                $0.success = duration(entry.success)
                $0.fail = duration(entry.failure)
                $0.queue = .init()
                $0.computeInput = duration(entry.input)
                $0.computeInfer = duration(entry.infer)
                $0.computeOutput = duration(entry.output)
                $0.cacheHit = .init()
                $0.cacheMiss = .init()
            }
            statistics.batchStats = entry.batches.sorted { $0.key < $1.key }.map { size, batch in
                .with {
                    $0.batchSize = UInt64(max(size, 0))
                    $0.computeInput = duration(batch.input)
                    $0.computeInfer = duration(batch.infer)
                    $0.computeOutput = duration(batch.output)
                }
            }
        }
    }

    private static func duration(_ duration: InferenceStatistics.Duration) -> Inference_StatisticDuration {
        .with {
            $0.count = duration.count
            $0.ns = duration.nanoseconds
        }
    }
}
