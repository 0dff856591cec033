import BalanceService
import BalanceCore

/// What the Open Inference Protocol says of models, as JSON.
enum ModelDocuments {
    static func metadata(_ model: ServedModel, versions: [Int]) -> JSONValue {
        let signature = model.predictor.signature.json
        return .object([
            ("name", .string(model.name)), ("versions", .strings(versions.map(String.init))),
            ("platform", .string(model.platform)), ("inputs", signature["inputs"] ?? .null),
            ("outputs", signature["outputs"] ?? .null),
        ])
    }

    /// The configuration: where the first dimension of all tensors is free it is the batch's and does not stand there.
    static func config(_ model: ServedModel) -> JSONValue {
        let signature = model.predictor.signature
        let isBatched = signature.isBatched
        func tensor(_ spec: TensorSpec) -> JSONValue {
            .object([
                ("name", .string(spec.name)), ("data_type", .string(configType(spec.type))),
                ("dims", .array((isBatched ? Array(spec.shape.dropFirst()) : spec.shape).map(JSONValue.int))),
            ])
        }
        return .object([
            ("name", .string(model.name)), ("platform", .string(model.platform)), ("backend", "balanceops"),
            ("max_batch_size", .int(isBatched ? PredictionBody.maximumRows : 0)),
            ("input", .array(signature.inputs.map(tensor))), ("output", .array(signature.outputs.map(tensor))),
        ])
    }

    private static func configType(_ type: TensorType) -> String {
        "TYPE_" + (type == .bytes ? "STRING" : type.rawValue)
    }

    static func statistics(_ entries: [InferenceStatistics.Entry]) -> JSONValue {
        .object([("model_stats", .array(entries.map(entry)))])
    }

    private static func entry(_ entry: InferenceStatistics.Entry) -> JSONValue {
        let none = InferenceStatistics.Duration()
        let parts: [(String, InferenceStatistics.Duration)] = [
            ("success", entry.success), ("fail", entry.failure), ("queue", none), ("compute_input", entry.input),
            ("compute_infer", entry.infer), ("compute_output", entry.output), ("cache_hit", none),
            ("cache_miss", none),
        ]
        return .object([
            ("name", .string(entry.name)), ("version", .string(String(entry.version))),
            ("last_inference", .int(entry.last.milliseconds)), ("inference_count", .int(Int(clamping: entry.rows))),
            ("execution_count", .int(Int(clamping: entry.success.count))),
            ("inference_stats", .object(parts.map { ($0.0, duration($0.1)) })),
            (
                "batch_stats",
                .array(
                    entry.batches.sorted { $0.key < $1.key }.map { size, batch in
                        .object([
                            ("batch_size", .int(size)), ("compute_input", duration(batch.input)),
                            ("compute_infer", duration(batch.infer)), ("compute_output", duration(batch.output)),
                        ])
                    }
                )
            ),
        ])
    }

    private static func duration(_ duration: InferenceStatistics.Duration) -> JSONValue {
        .object([
            ("count", .int(Int(clamping: duration.count))), ("ns", .int(Int(clamping: duration.nanoseconds))),
        ])
    }
}
