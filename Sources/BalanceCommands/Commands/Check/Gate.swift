import BalanceService
import ArgumentParser
import BalanceCore
import BalanceStore
import Foundation
import NIOCore

/// `balanceops gate`.
struct Gate: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate",
        abstract: "Evaluates a run against a policy file, for CI pipelines; the registry is not changed.",
        discussion: """
            The run is in the workspace, on a server (--server), or in a folder: an export of balanceops, or MLflow's mlruns.
            It is compared with the current model, with another run (--current RUN), or with nothing (--current none).
            If GITHUB_STEP_SUMMARY is set, the verdicts are appended to that file as Markdown.
            Exit status: 0 promote, 3 rejected, 4 hold; 2 run not found, 65 invalid policy.
            """
    )
    static let examples = [
        "balanceops gate --run 4f1c2d… --policy policy.yaml --junit gate.xml",
        "balanceops gate --run mlruns --policy policy.yaml --current none",
    ]

    /// The exit status of a run that waits for something.
    static let held: Int32 = 4

    @OptionGroup var options: SettingsOptions
    @Option(help: "The run ID, or a folder that contains the run.") var run: String
    @Option(help: "The policy file.") var policy: String
    @Option(help: "The run ID, if the folder has more than one run.") var runId: String?
    @Option(help: "The registered model to compare with (its current version).") var name = defaultModelName
    @Option(help: "A run to compare with instead, or none.") var current: String?
    @Option(help: "The URL of the server that has the run (BALANCEOPS_SERVER).") var server: String?
    @Option(help: "Write the decision to this file as JSON.") var json: String?
    @Option(help: "Write the rule results to this file as JUnit XML.") var junit: String?
    @Option(help: "Append the verdicts to this file as Markdown; defaults to GITHUB_STEP_SUMMARY.") var summary: String?

    mutating func run() async throws {
        let text = try PolicyFile.text(policy)
        let parsed = try PromotionPolicy(parsing: text)
        let decision = try await decision(parsed, text)
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

    private func decision(_ policy: PromotionPolicy, _ text: String) async throws -> JSONValue {
        if let server = server ?? APIClient.server { return try await remote(server, text) }
        var isFolder: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: run, isDirectory: &isFolder)
        guard isThere, isFolder.boolValue else {
            return try await judge(run, policy, in: Workspace.open(options.load(), creates: false))
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
        return try await judge(GateFolder.run(runId, in: workspace, path: run), policy, in: workspace)
    }

    private func judge(_ run: String, _ policy: PromotionPolicy, in workspace: Workspace) async throws -> JSONValue {
        let candidate = try await CandidateReference.run(RunID(native: run), in: workspace.tracking)
        if current == nil { try await Self.requireModel(name, in: workspace) }
        var other = EvidenceSource.Baseline.current
        if current == "none" {
            other = .nobody
        } else if let current {
            other = .instead(try await .run(RunID(native: current), in: workspace.tracking))
        }
        return try await workspace.promotions.explain(candidate, of: name, policy: policy, against: other).json
    }

    /// A name that is mistyped must not look like a model that has no version yet.
    static func requireModel(
        _ name: String,
        in workspace: Workspace,
        or hint: String = "set the model with --name, or use --current none"
    ) async throws {
        do {
            _ = try await workspace.models.model(name)
        } catch var failure as Failure {
            failure.hint = hint
            throw failure
        }
    }

    private func remote(_ server: String, _ text: String) async throws -> JSONValue {
        // A server that is not there is told at once; a decision may take its time.
        if case .failure(let failure) = await APIClient(baseURL: server).version() { throw failure }
        let client = APIClient(baseURL: server, timeout: .seconds(60))
        let body = JSONValue.object([
            ("run_id", .string(run)), ("policy", .string(text)), ("against", .string(current ?? "current")),
        ])
        let segment = name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? name
        let answer: APIClient.Answer
        do {
            answer = try await client.send("POST", "/models/\(segment)/decisions", body: body)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.unavailable, "cannot reach the server at \(server)", hint: "check --server", cause: error)
        }
        if answer.isSuccess, let decision = answer.json { return decision }
        let error = answer.json?["error"]
        let code = error?["code"]?.string.flatMap(Failure.Code.init) ?? .unavailable
        throw Failure(
            code,
            "\(server) answered: \(error?["message"]?.string ?? "HTTP \(answer.status)")",
            hint: error?["hint"]?.string
        )
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
