import BalanceService
import BalanceSystem
import BalanceCore
import Foundation

/// Writes what a source hands over; a run or logged model is written whole, after its files, so that an import that was
/// interrupted goes on where it stopped.
actor Importer {
    typealias Bytes = @Sendable (any ArtifactUpload) async throws -> Void

    private let workspace: Workspace
    private let store: any TransferStore
    private let progress: Progress
    private(set) var report = TransferReport()
    /// The experiments here, by their ids in the source.
    private var experiments: [String: Int] = [:]
    private var run: (record: TransferRecord.RunRecord, points: [MetricPoint])?
    private var model: TransferRecord.LoggedModelRecord?
    /// What was here before: its files are not fetched again.
    private var known: Set<String> = []
    private var currents: [TransferRecord.AliasRecord] = []
    /// When models and their versions were last changed there.
    private var times: [String: (model: Int, versions: [Int: Int])] = [:]

    init(workspace: Workspace, progress: Progress) {
        self.workspace = workspace
        store = workspace.transfer
        self.progress = progress
    }

    func experiment(_ record: TransferRecord.ExperimentRecord) async throws {
        experiments[record.id] = record.id == "0" ? 0 : try await store.experiment(for: record)
        report.experiments += 1
    }

    func run(_ record: TransferRecord.RunRecord) async throws {
        try await flush()
        progress.step()
        if try await store.hasRun(RunID(stored: record.id)) {
            known.insert(record.id)
            report.known += 1
        } else {
            run = (record, [])
        }
    }

    /// Points of the run that came last.
    func points(_ points: [MetricPoint]) {
        run?.points += points
    }

    func loggedModel(_ record: TransferRecord.LoggedModelRecord) async throws {
        try await flush()
        if try await store.hasLoggedModel(record.id) { known.insert(record.id) } else { model = record }
    }

    /// Whether the files of this owner are still to be brought.
    func wants(_ owner: String) -> Bool { !known.contains(owner) }

    /// Stores a file of the run or logged model that came last.
    func file(_ record: TransferRecord.StoredFileRecord, _ bytes: Bytes) async throws {
        guard wants(record.id) else { return }
        do {
            if record.owner == .root { return try await rootFile(record, bytes) }
            let experiment = experiments[(run?.record.experiment ?? model?.experiment) ?? ""] ?? 0
            let folder = record.owner == .run ? record.id : "models/\(record.id)"
            let key = try ArtifactKey("\(experiment)/\(folder)/artifacts/\(record.path)")
            let upload = try await workspace.artifactFiles.upload(to: key)
            let counted = CountingUpload(upload)
            do {
                try await bytes(counted)
                try await counted.commit()
            } catch {
                counted.abort()
                throw error
            }
            report.artifacts += 1
            report.bytes += counted.size
        } catch let failure as Failure where failure.code == .invalidParameter {
            skip("artifact \(record.path) of \(record.id)", failure.message)
        }
    }

    func model(_ record: TransferRecord.ModelRecord) async throws {
        try await flush()
        try await store.insert(record)
        times[record.name] = (record.updatedAt, [:])
        report.models += 1
    }

    func version(_ record: TransferRecord.VersionRecord) async throws {
        var record = record
        record.source = record.source.map { Self.portable($0, record) }
        guard try await store.insert(record) else { return }
        report.versions += 1
        times[record.name]?.versions[record.version] = record.updatedAt
        guard record.source != nil else { return }
        let version = try await workspace.models.version(record.version, of: record.name)
        let found = await workspace.versionFiles.inspect(version)
        try await workspace.models.setServableStatus(found, ofVersion: record.version, of: record.name)
    }

    func alias(_ record: TransferRecord.AliasRecord) async throws {
        report.aliases += 1
        if record.alias == currentAlias { return currents.append(record) }
        try await workspace.models.setAlias(
            record.alias,
            ofVersion: record.version,
            of: record.name,
            at: .now()
        )
    }

    func skip(_ what: String, _ reason: String) {
        report.skipped.append(.init(what: what, reason: reason))
    }

    /// Ends the import: the last run is written, and what served there serves here, unless something serves already.
    func finish() async throws -> TransferReport {
        try await flush()
        for alias in currents where try await workspace.registry.currentModel(named: alias.name) == nil {
            do {
                _ = try await workspace.promotions.requirePromotion(
                    alias.version,
                    of: alias.name,
                    by: TransitionRequest(by: Actor(name: "import"))
                )
            } catch {
                skip("alias current of \(alias.name)", Failure.from(error).message)
            }
        }
        for (name, times) in times { try await store.setTimes(of: name, times.model, versions: times.versions) }
        progress.end()
        return report
    }

    private func flush() async throws {
        if let (record, points) = run {
            run = nil
            try await store.insert(record, points: points, experiment: experiments[record.experiment] ?? 0)
            report.runs += 1
            report.points += points.count
        }
        if let record = model {
            model = nil
            try await store.insert(record, experiment: experiments[record.experiment] ?? 0)
            report.loggedModels += 1
        }
    }

    /// A file below the artifact root that is no client's.
    private func rootFile(_ record: TransferRecord.StoredFileRecord, _ bytes: Bytes) async throws {
        let key = try ArtifactKey(record.path)
        let path = "\(workspace.settings[.artifacts].text)/\(key.text)"
        guard !FileManager.default.fileExists(atPath: path) else { return }
        let buffer = BufferUpload()
        try await bytes(buffer)
        try FileSystemWriter.write(buffer.bytes, to: path)
        report.artifacts += 1
        report.bytes += buffer.bytes.count
    }

    /// A source by ids, where it names a place in the old server's storage.
    private static func portable(_ source: String, _ version: TransferRecord.VersionRecord) -> String {
        if let model = version.loggedModel, source.contains("/models/\(model)/") { return "models:/\(model)" }
        guard let run = version.run, let range = source.range(of: "/\(run)/artifacts") else { return source }
        return "runs:/\(run)\(source[range.upperBound...])"
    }
}
