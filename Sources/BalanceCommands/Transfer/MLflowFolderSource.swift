import BalanceService
import BalanceCore
import Foundation
import Yams

/// An `mlruns` folder, MLflow's file store.
struct MLflowFolderSource: TransferSource {
    private let path: String

    init(path: String) { self.path = path }

    func runCount() async throws -> Int {
        try experimentFolders().reduce(0) { $0 + runFolders($1).count }
    }

    func read(into importer: Importer) async throws {
        let experiments = try experimentFolders()
        for folder in experiments { try await experiment(folder, importer) }
        for folder in experiments {
            for run in runFolders(folder) { try await self.run(run, in: folder, importer) }
        }
        for folder in experiments {
            for model in names("\(folder)/models") { try await loggedModel("\(folder)/models/\(model)", importer) }
        }
        try await registry(importer)
    }

    // MARK: - Folders

    private func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    /// The folders of experiments, those in the trash too.
    private func experimentFolders() throws -> [String] {
        let folders = names(path).map { "\(path)/\($0)" } + names("\(path)/.trash").map { "\(path)/.trash/\($0)" }
        let found = folders.filter { meta($0)?["experiment_id"] != nil || meta($0)?["artifact_location"] != nil }
        guard !found.isEmpty else {
            throw Failure(
                .invalidArgument,
                "\(path) is not an mlruns folder: no experiment found",
                hint: "pass an mlruns folder, an mlflow.db or a server URL with --from"
            )
        }
        return found
    }

    private func runFolders(_ experiment: String) -> [String] {
        names(experiment).filter {
            meta("\(experiment)/\($0)")?["run_id"] != nil || meta("\(experiment)/\($0)")?["run_uuid"] != nil
        }
    }

    /// The `meta.yaml` of a folder; nil where it is missing or cannot be read.
    private func meta(_ folder: String) -> Meta? { Meta("\(folder)/meta.yaml") }

    /// The files of a folder as pairs: names are keys, which may have slashes, and contents are values.
    private func pairs(_ folder: String) -> [TransferRecord.Pair] {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
        return names.sorted().compactMap { name in
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder),
                !isFolder.boolValue,
                let data = FileManager.default.contents(atPath: "\(folder)/\(name)")
            else { return nil }
            return .init(name, String(decoding: data, as: UTF8.self))
        }
    }

    // MARK: - Records

    private func experiment(_ folder: String, _ importer: Importer) async throws {
        guard let meta = meta(folder) else { return }
        let id = meta["experiment_id"] ?? (folder as NSString).lastPathComponent
        var record = TransferRecord.ExperimentRecord(id: id, name: meta["name"] ?? id)
        record.location = LocalFiles.objectStore(meta["artifact_location"])
        record.isDeleted = meta["lifecycle_stage"] == "deleted" || folder.contains("/.trash/")
        record.createdAt = meta.integer("creation_time") ?? 0
        record.updatedAt = meta.integer("last_update_time") ?? record.createdAt
        record.tags = pairs("\(folder)/tags")
        try await importer.experiment(record)
    }

    private func run(_ name: String, in experiment: String, _ importer: Importer) async throws {
        let folder = "\(experiment)/\(name)"
        guard let meta = meta(folder) else { return await importer.skip("run \(name)", "cannot read its meta.yaml") }
        var run = TransferRecord.RunRecord(
            id: meta["run_id"] ?? meta["run_uuid"] ?? name,
            experiment: meta["experiment_id"] ?? (experiment as NSString).lastPathComponent
        )
        run.tags = pairs("\(folder)/tags")
        run.name = meta["run_name"].flatMap { $0.isEmpty ? nil : $0 } ?? run.tags.first { $0.key == runNameTag }?.value
        run.userID = meta["user_id"]
        let number = meta.integer("status") ?? 3
        run.status = (1...5).contains(number) ? RunStatus.allCases[number - 1].rawValue : RunStatus.finished.rawValue
        run.startedAt = meta.integer("start_time") ?? 0
        run.endedAt = meta.integer("end_time")
        run.isDeleted = meta["lifecycle_stage"] == "deleted"
        run.deletedAt = meta.integer("deleted_time")
        run.params = pairs("\(folder)/params")
        run.inputs = inputs(folder, experiment)
        run.outputs = names("\(folder)/outputs").map { model in
            .init(model: model, step: self.meta("\(folder)/outputs/\(model)")?.integer("step") ?? 0)
        }
        try await importer.run(run)
        guard await importer.wants(run.id) else { return }
        await importer.points(points("\(folder)/metrics").map(\.point))
        try await LocalFiles.bring("\(folder)/artifacts", of: .run, run.id, to: importer)
    }

    private func inputs(_ folder: String, _ experiment: String) -> [TransferRecord.DatasetRecord] {
        names("\(folder)/inputs").compactMap { name in
            guard let input = meta("\(folder)/inputs/\(name)"), let id = input["source_id"],
                let dataset = meta("\(experiment)/datasets/\(id)")
            else { return nil }
            return .init(
                DatasetInput(
                    name: dataset["name"] ?? "",
                    digest: dataset["digest"] ?? "",
                    sourceType: dataset["source_type"] ?? "",
                    source: dataset["source"] ?? "",
                    schema: dataset["schema"],
                    profile: dataset["profile"],
                    tags: input.pairs("tags").map { KeyValue(key: $0.key, value: $0.value) }
                )
            )
        }
    }

    /// Lines of `timestamp value step`; those of logged models go on with the run and the data set.
    private func points(_ folder: String) -> [TransferRecord.PointRecord] {
        pairs(folder).flatMap { file in
            file.value.split(separator: "\n").compactMap { line -> TransferRecord.PointRecord? in
                let parts = line.split(separator: " ").map(String.init)
                guard parts.count >= 2, let time = Int(parts[0]), let value = Double(parts[1]) else { return nil }
                let step = parts.count > 2 ? Int(parts[2]) ?? 0 : 0
                var point = TransferRecord.PointRecord(
                    MetricPoint(key: file.key, value: value, timestamp: Timestamp(milliseconds: time), step: step)
                )
                if parts.count > 3 { point.run = parts[3] }
                if parts.count > 5 { (point.dataset, point.digest) = (parts[4], parts[5]) }
                return point
            }
        }
    }

    private func loggedModel(_ folder: String, _ importer: Importer) async throws {
        guard let meta = meta(folder), let id = meta["model_id"] else { return }
        var model = TransferRecord.LoggedModelRecord(
            id: id,
            experiment: meta["experiment_id"] ?? "0",
            name: meta["name"] ?? id
        )
        model.modelType = meta["model_type"]
        model.sourceRun = meta["source_run_id"]
        model.status = meta.integer("status") ?? 2
        model.isDeleted = meta["lifecycle_stage"] == "deleted"
        model.createdAt = meta.integer("creation_timestamp") ?? 0
        model.updatedAt = meta.integer("last_updated_timestamp") ?? model.createdAt
        model.params = pairs("\(folder)/params")
        model.tags = pairs("\(folder)/tags")
        model.metrics = points("\(folder)/metrics")
        try await importer.loggedModel(model)
        try await LocalFiles.bring("\(folder)/artifacts", of: .loggedModel, id, to: importer)
    }

    private func registry(_ importer: Importer) async throws {
        let folders = names("\(path)/models").map { "\(path)/models/\($0)" }
        for folder in folders {
            guard let meta = meta(folder), let name = meta["name"] else { continue }
            var model = TransferRecord.ModelRecord(name: name)
            model.description = meta["description"]
            model.createdAt = meta.integer("creation_timestamp") ?? 0
            model.updatedAt = meta.integer("last_updated_timestamp") ?? model.createdAt
            model.tags = pairs("\(folder)/tags")
            try await importer.model(model)
            for version in names(folder).filter({ $0.hasPrefix("version-") }) {
                try await self.version("\(folder)/\(version)", of: name, importer)
            }
            for alias in pairs("\(folder)/aliases") {
                let number = Int(alias.value.trimmingCharacters(in: .whitespacesAndNewlines))
                if let number { try await importer.alias(.init(name: name, alias: alias.key, version: number)) }
            }
        }
    }

    private func version(_ folder: String, of name: String, _ importer: Importer) async throws {
        guard let meta = meta(folder), let number = meta.integer("version") else { return }
        let stage = meta["current_stage"] ?? "None"
        if stage == "Deleted_Internal" { return }
        var version = TransferRecord.VersionRecord(name: name, version: number)
        version.createdAt = meta.integer("creation_timestamp") ?? 0
        version.updatedAt = meta.integer("last_updated_timestamp") ?? version.createdAt
        version.description = meta["description"]
        version.stage = (VersionStage(mlflow: stage) ?? .candidate).rawValue
        version.source = meta["source"]
        version.run = meta["run_id"].flatMap { $0.isEmpty ? nil : $0 }
        version.loggedModel = meta["model_id"]
        version.runLink = meta["run_link"]
        version.tags = pairs("\(folder)/tags")
        try await importer.version(version)
        if stage == "Production" { try await importer.alias(.init(name: name, alias: currentAlias, version: number)) }
    }
}

/// The scalars of a small YAML file.
private struct Meta {
    private let mapping: Node.Mapping

    init?(_ path: String) {
        guard let data = FileManager.default.contents(atPath: path), data.count <= 1 << 22,
            YAMLBounds.allow(data, depth: 64),
            let node = try? compose(yaml: String(decoding: data, as: UTF8.self)), let mapping = node.mapping
        else { return nil }
        self.mapping = mapping
    }

    /// The text of a scalar; nil for null and for what is none.
    subscript(_ key: String) -> String? {
        guard let scalar = mapping[key]?.scalar else { return nil }
        return scalar.style == .plain && ["null", "~", ""].contains(scalar.string) ? nil : scalar.string
    }

    func integer(_ key: String) -> Int? { self[key].flatMap { Int($0) } }

    func pairs(_ key: String) -> [TransferRecord.Pair] {
        (mapping[key]?.mapping ?? [:]).compactMap { name, value in
            guard let name = name.string, let value = value.scalar?.string else { return nil }
            return .init(name, value)
        }
    }
}
