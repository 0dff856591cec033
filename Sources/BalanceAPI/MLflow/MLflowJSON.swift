import BalanceCore

/// The objects of MLflow's answers.
enum MLflowJSON {
    static func experiment(_ experiment: Experiment) -> JSONValue {
        object([
            ("experiment_id", .string(String(experiment.id))), ("name", .string(experiment.name)),
            ("artifact_location", .string(experiment.artifactLocation)),
            ("lifecycle_stage", .string(experiment.stage.rawValue)),
            ("last_update_time", .int(experiment.updatedAt.milliseconds)),
            ("creation_time", .int(experiment.createdAt.milliseconds)), ("tags", pairs(experiment.tags)),
        ])
    }

    static func run(_ run: TrackedRun) -> JSONValue {
        .object([
            ("info", info(run)),
            (
                "data",
                object([
                    ("metrics", .array(run.metrics.map(metric))), ("params", pairs(run.params)),
                    ("tags", pairs(run.tags)),
                ])
            ), ("inputs", object([("dataset_inputs", .array(run.inputs.map(input)))])), ("outputs", .object([])),
        ])
    }

    static func input(_ input: DatasetInput) -> JSONValue {
        var dataset: [(String, JSONValue)] = [
            ("name", .string(input.name)), ("digest", .string(input.digest)),
            ("source_type", .string(input.sourceType)), ("source", .string(input.source)),
        ]
        if let schema = input.schema { dataset.append(("schema", .string(schema))) }
        if let profile = input.profile { dataset.append(("profile", .string(profile))) }
        return object([("tags", pairs(input.tags)), ("dataset", .object(dataset))])
    }

    static func info(_ run: TrackedRun) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("run_id", .string(run.id.stored)), ("run_uuid", .string(run.id.stored)), ("run_name", .string(run.name)),
            ("experiment_id", .string(String(run.experimentID))), ("user_id", .string(run.userID)),
            ("status", .string(run.status.rawValue)), ("start_time", .int(run.startedAt.milliseconds)),
        ]
        if let end = run.endedAt { members.append(("end_time", .int(end.milliseconds))) }
        members += [
            ("artifact_uri", .string(run.artifactURI)), ("lifecycle_stage", .string(run.stage.rawValue)),
        ]
        return .object(members)
    }

    static func metric(_ point: MetricPoint) -> JSONValue {
        .object([
            ("key", .string(point.key)), ("value", number(point.value)),
            ("timestamp", .int(point.timestamp.milliseconds)), ("step", .int(point.step)),
        ])
    }

    /// A number; those without a JSON form are texts.
    static func number(_ value: Double) -> JSONValue {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "Infinity" : "-Infinity" }
        return .double(value)
    }

    static func pairs(_ pairs: [KeyValue]) -> JSONValue {
        .array(pairs.map { .object([("key", .string($0.key)), ("value", .string($0.value))]) })
    }

    /// An object without its empty lists, which MLflow leaves out.
    static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.filter { $0.1.elements?.isEmpty != true })
    }
}
