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

    /// A run; a search leaves out the models that it used, and the answer to its beginning what it made.
    static func run(_ run: TrackedRun, withModelInputs: Bool = true, withOutputs: Bool = true) -> JSONValue {
        let models = withModelInputs ? run.modelInputs : []
        var members: [(String, JSONValue)] = [
            ("info", info(run)),
            (
                "data",
                object([
                    ("metrics", .array(run.metrics.map(metric))), ("params", pairs(run.params)),
                    ("tags", pairs(run.tags)),
                ])
            ),
            (
                "inputs",
                object([
                    ("dataset_inputs", .array(run.inputs.map(input))),
                    ("model_inputs", .array(models.map { .object([("model_id", .string($0))]) })),
                ])
            ),
        ]
        if withOutputs {
            members.append(("outputs", object([("model_outputs", .array(run.outputs.map(output)))])))
        }
        return .object(members)
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

    static func output(_ output: ModelOutput) -> JSONValue {
        .object([("model_id", .string(output.modelID)), ("step", .int(output.step))])
    }

    /// A file or folder; the prefix stands before its name, with its slash.
    static func entry(_ entry: ArtifactEntry, below prefix: String) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("path", .string(prefix + entry.name)), ("is_dir", .bool(entry.size == nil)),
        ]
        if let size = entry.size { members.append(("file_size", .int(size))) }
        return .object(members)
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

    static func metric(_ point: MetricPoint) -> JSONValue { .object(members(point)) }

    /// A point of one of several runs.
    static func metric(_ point: MetricPoint, of run: RunID) -> JSONValue {
        .object(members(point) + [("run_id", .string(run.stored))])
    }

    static func metric(_ metric: ModelMetric) -> JSONValue {
        var members = members(metric.point)
        members += [("model_id", .string(metric.modelID)), ("run_id", .string(metric.runID.stored))]
        if let dataset = metric.dataset {
            members.append(("dataset_name", .string(dataset.name)))
            members.append(("dataset_digest", .optional(dataset.digest)))
        }
        return .object(members)
    }

    private static func members(_ point: MetricPoint) -> [(String, JSONValue)] {
        [
            ("key", .string(point.key)), ("value", .finite(point.value)),
            ("timestamp", .int(point.timestamp.milliseconds)), ("step", .int(point.step)),
        ]
    }

    static func loggedModel(_ model: LoggedModel) -> JSONValue {
        let info = object([
            ("model_id", .string(model.id)), ("experiment_id", .string(String(model.experimentID))),
            ("name", .string(model.name)), ("creation_timestamp_ms", .int(model.createdAt.milliseconds)),
            ("last_updated_timestamp_ms", .int(model.updatedAt.milliseconds)),
            ("artifact_uri", .string(model.artifactURI)), ("status", .string(model.status.name)),
            ("model_type", .string(model.modelType ?? "")), ("source_run_id", .string(model.sourceRunID?.stored ?? "")),
            ("tags", pairs(model.tags)),
        ])
        let data = object([("params", pairs(model.params)), ("metrics", .array(model.metrics.map(metric)))])
        return .object([("info", info), ("data", data)])
    }

    static func registeredModel(_ model: RegisteredModel) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("name", .string(model.name)), ("creation_timestamp", .int(model.createdAt.milliseconds)),
            ("last_updated_timestamp", .int(model.updatedAt.milliseconds)),
        ]
        if let description = model.description, !description.isEmpty {
            members.append(("description", .string(description)))
        }
        members += [
            ("latest_versions", .array(model.latest.map(listedVersion))),
            ("tags", pairs(model.tags)),
            (
                "aliases",
                .array(
                    model.aliases.map {
                        .object([("alias", .string($0.name)), ("version", .string(String($0.version)))])
                    }
                )
            ),
        ]
        return object(members)
    }

    /// A version in a list, where the alias that serves is left out: MLflow's client keeps aliases in a form that is neither JSON nor can
    /// be pickled, and tools (mlflow-export-import) fail at each model that serves.
    static func listedVersion(_ version: ModelVersion) -> JSONValue {
        var listed = version
        listed.aliases.removeAll { $0 == currentAlias }
        return Self.version(listed)
    }

    static func version(_ version: ModelVersion) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("name", .string(version.name)), ("version", .string(String(version.version))),
            ("creation_timestamp", .int(version.createdAt.milliseconds)),
            ("last_updated_timestamp", .int(version.updatedAt.milliseconds)),
            ("current_stage", .string(version.stage.mlflow)), ("description", .string(version.description ?? "")),
            ("source", .string(version.source ?? "")), ("run_id", .string(version.runID?.stored ?? "")),
            ("status", "READY"),
        ]
        if let problem = version.problem { members.append(("status_message", .string("cannot be served: \(problem)"))) }
        members += [("tags", pairs(version.tags)), ("run_link", .string(version.runLink ?? ""))]
        members.append(("aliases", .strings(version.aliases)))
        return object(members)
    }

    static func pairs(_ pairs: [KeyValue]) -> JSONValue {
        .array(pairs.map { .object([("key", .string($0.key)), ("value", .string($0.value))]) })
    }

    /// An object without its empty lists, which MLflow leaves out.
    static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.filter { $0.1.elements?.isEmpty != true })
    }
}
