import ArgumentParser
import BalanceCore
import BalanceStore
import Foundation

/// `balanceops gate`.
struct Gate: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate",
        abstract: "Evaluates a run against a policy file, for CI pipelines; the registry is not changed.",
        discussion: """
            The run is in the workspace, on a server (--server), or in a folder: an export of balanceops, or MLflow's mlruns.
            It is compared with the current model, with another run (--current RUN), or with nothing (--current none).
            If GITHUB_STEP_SUMMARY is set, the verdicts are appended to that file as Markdown.
            Exit status: 0 promote, 3 rejected, 6 hold; 2 run not found, 65 invalid policy.
            """
    )
    static let examples = [
        "balanceops gate --run 4f1c2d… --policy policy.yaml --junit gate.xml",
        "balanceops gate --run mlruns --policy policy.yaml --current none",
    ]

    /// The exit status of a run that waits for something.
    static let held = Failure.Code.promotionHeld.row.exit

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Option(help: "The run ID, latest, or a folder that contains the run.") var run: String
    @Option(help: "The policy file.") var policy: String
    @Option(help: "The run ID, if the folder has more than one run.") var runId: String?
    @Option(help: "The registered model to compare with (its current version).") var name = defaultModelName
    @Option(help: "A run to compare with instead, or none.") var current: String?
    @Option(help: "Write the decision to this file as JSON.") var json: String?
    @Option(help: "Write the rule results to this file as JUnit XML.") var junit: String?
    @Option(help: "Append the verdicts to this file as Markdown; defaults to GITHUB_STEP_SUMMARY.") var summary: String?

    mutating func run() async throws {
        let text = try PolicyFile.text(policy)
        _ = try PromotionPolicy(parsing: text)
        let decision = try await decision(text)
        let report = GateReport(decision: decision, run: runId ?? run)
        if let json { try Self.write(decision.text(pretty: true) + "\n", to: json) }
        if let junit { try Self.write(report.junit, to: junit) }
        if let target = summary ?? ProcessInfo.processInfo.environment["GITHUB_STEP_SUMMARY"], !target.isEmpty {
            try Self.append(report.markdown, to: target)
        }
        Output.line(DecisionTable.headline(decision))
        DecisionTable.lines(decision).forEach(Output.line)
        switch decision["decision"]?.string {
        case "promote" where Self.hasVerdict(decision): return
        case "promote":
            Output.note(
                "[WARN] no rule was evaluated: all rules of the policy compare with a current model, and there is none"
            )
            throw ExitCode(Self.held)
        case "reject": throw ExitCode(Failure.Code.promotionRefused.row.exit)
        default: throw ExitCode(Self.held)
        }
    }

    /// Whether any rule said something of the candidate; a pause that is over is none.
    private static func hasVerdict(_ decision: JSONValue) -> Bool {
        (decision["rules"]?.elements ?? []).contains { rule in
            rule["result"]?.string != "skipped" && rule["id"]?.string?.hasPrefix("cooldown.") != true
        }
    }

    private func decision(_ text: String) async throws -> JSONValue {
        var isFolder: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: run, isDirectory: &isFolder)
        guard place.serverOptions.url == nil, isThere, isFolder.boolValue else {
            return try await decide(run, text, at: place.reading())
        }
        guard current != nil else {
            throw ValidationError("A folder has no current model: use --current RUN or --current none.")
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "balanceops-gate-\(UUID().uuidString)"
        )
        defer { try? FileManager.default.removeItem(at: folder) }
        let workspace = try await GateFolder(path: run).open(in: folder.path)
        defer { try? workspace.database.close() }
        let id = try await GateFolder.run(runId, in: workspace, path: run)
        return try await decide(id, text, at: FilesAPI(workspace, as: ActorOptions.onFiles))
    }

    private func decide(_ run: String, _ text: String, at api: any API) async throws -> JSONValue {
        let run = run == "latest" ? try await api.value("GET", "/runs/latest")["run_id"]?.string ?? run : run
        let body = JSONValue.object([
            ("run_id", .string(run)), ("policy", .string(text)), ("against", .string(current ?? "current")),
        ])
        do {
            return try await api.value("POST", "/models/\(name.percentEncoded)/decisions", body: body)
        } catch let failure as Failure where failure.code == .resourceNotFound && current == nil {
            // A name that is mistyped must not look like a model that has no version yet.
            try await api.requireModel(name, or: "set the model with --name, or use --current none")
            throw failure
        }
    }

    private static func write(_ text: String, to path: String) throws {
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw Failure(.fileNotWritable, "cannot write \(path)", hint: "check the folder", cause: error)
        }
    }

    private static func append(_ text: String, to path: String) throws {
        if !FileManager.default.fileExists(atPath: path) { return try write(text, to: path) }
        guard let file = FileHandle(forWritingAtPath: path) else {
            throw Failure(.fileNotWritable, "cannot write \(path)", hint: "check its permissions")
        }
        defer { try? file.close() }
        do {
            try file.seekToEnd()
            try file.write(contentsOf: Data(text.utf8))
        } catch {
            throw Failure(.fileNotWritable, "cannot write \(path)", hint: "check the disk", cause: error)
        }
    }
}

/// A folder that is judged in a workspace of its own, which is thrown away.
struct GateFolder {
    let path: String

    func open(in folder: String) async throws -> Workspace {
        let settings = try await Settings.load(
            flags: [
                .database: "\(folder)/b.db", .artifacts: "\(folder)/artifacts",
                .currentModel: "\(folder)/artifacts/models/current.model",
            ],
            environment: [:],
            directory: folder
        )
        let workspace = try await Workspace.open(settings)
        let isExport = FileManager.default.fileExists(atPath: "\(path)/export.jsonl")
        let source: any TransferSource = isExport ? ExportFolder(path: path) : MLflowFolderSource(path: path)
        let importer = Importer(workspace: workspace, progress: Progress(total: 0))
        try await source.read(into: importer)
        _ = try await importer.finish()
        return workspace
    }

    /// The run that is meant: the one that is named, else the only one.
    static func run(_ id: String?, in workspace: Workspace, path: String) async throws -> String {
        if let id { return id }
        let runs = try await workspace.tracking.runs(RunSearch(limit: 21), offset: 0).items
        guard runs.count == 1, let only = runs.first else {
            let names = runs.prefix(20).map(\.id.native).joined(separator: ", ")
            throw Failure(
                .runNotFound,
                runs.isEmpty ? "no run found in \(path)" : "\(path) has more than one run: \(names)",
                hint: runs.isEmpty ? "pass a balanceops export or an MLflow mlruns folder" : "choose one with --run-id"
            )
        }
        return only.id.native
    }
}
