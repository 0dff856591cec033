import BalanceService
import ArgumentParser
import BalanceCore
import BalanceInference
import BalanceServing
import Foundation
import NIOCore

/// `balanceops e2e`.
struct E2E: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "e2e",
        abstract: "Runs the complete loop once: database, training, promotion, serving, prediction."
    )
    static let examples = [
        "balanceops e2e",
        "balanceops e2e --dataset-spec examples/dataset_specs/german_credit.json --port 8010",
    ]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @Option(help: "The host to serve on.") var host = "127.0.0.1"
    @Option(help: "The port to serve on.") var port = 8000
    @Option(help: "The timeout of one request, in seconds.") var timeoutSec = 8.0
    @Option(help: "How often to retry a failed request.") var retries = 30
    @Option(help: "The delay between retries, in seconds.") var retryDelaySec = 0.5
    @Option(help: "Train on this dataset instead of generating a random model.") var datasetSpec: String?
    @Flag(help: "Do not train.") var skipTrain = false
    @Flag(help: "Do not serve.") var skipServe = false
    @Flag(help: "Answer with JSON; what is done is told on standard error.") var json = false

    func run() async throws {
        try APIClient(baseURL: base).check()
        say("[e2e] host: \(host)  port: \(port)")
        say("[e2e] step 1/4: init_db")
        let workspace = try await Workspace.open(options.load())
        say("[e2e] db OK: \(workspace.settings[.database].text)")
        try await train(workspace)
        try await ensureCurrentModel(workspace)
        if skipServe {
            say("[e2e] step 4/4: skip serve+smoke")
            say("[e2e] done.")
        } else {
            try await serveAndSmoke(workspace)
            say("[e2e] OK")
        }
        next(workspace)
        if json {
            let slot = try await workspace.governance.slot(of: defaultModelName)
            Output.json(.object([("ok", .bool(true)), ("base_url", .string(base)), ("slot", slot.json)]))
        }
    }

    private func say(_ text: String) { json ? Output.note(text) : Output.line(text) }

    /// Where the server is reached that listens on ``host``.
    private var base: String {
        let name = ["0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host
        return "http://\(name.contains(":") ? "[\(name)]" : name):\(port)"
    }

    private func train(_ workspace: Workspace) async throws {
        if skipTrain { return say("[e2e] step 2/4: skip train_dummy") }
        let report: TrainingReport
        if let datasetSpec {
            say("[e2e] step 2/4: train_tabular_baseline on \(datasetSpec) (auto-promote)")
            report = try await TabularTraining(spec: DatasetSpec(contentsOf: datasetSpec))
                .run(in: workspace, promotes: true)
        } else {
            say("[e2e] step 2/4: train_dummy (auto-promote)")
            report = try await DummyTraining().run(in: workspace, promotes: true)
        }
        say(
            "[e2e] trained: run_id=\(report.runID) promoted=\(report.isPromoted ? "True" : "False") "
                + "reason=\(report.reason)"
        )
        say("[e2e] metrics: \(Output.dict(report.metrics))")
        for rule in report.decision?.rules ?? [] where rule.bound != nil {
            let numbers = String(format: "%.4f, needs %.4f", rule.candidate ?? .nan, rule.bound ?? .nan)
            say("[e2e]   gate \(rule.metric ?? rule.id): \(numbers) \(rule.verdict == .pass ? "pass" : "FAIL")")
        }
    }

    private func ensureCurrentModel(_ workspace: Workspace) async throws {
        say("[e2e] step 3/4: ensure current model")
        if try await workspace.registry.currentModel(named: defaultModelName) == nil {
            say("[e2e] current model missing. trying manual promote of latest run...")
            _ = try await workspace.runPromotion.promote(
                nil,
                of: defaultModelName,
                by: TransitionRequest(by: Actor(name: "e2e"))
            )
        }
        let model = try await workspace.modelHost().current()
        say("[e2e] current model OK: \(model.path) (version \(model.version))")
    }

    private func serveAndSmoke(_ workspace: Workspace) async throws {
        say("[e2e] step 4/4: serve (background) + smoke_http")
        let settings = workspace.settings
        if try await answers(base) { throw portTaken("another server already answers at \(base)") }
        let server = try Program.background(
            Program.own,
            [
                "serve", "--host", host, "--port", String(port), "--db", settings[.database].text,
                "--artifacts", settings[.artifacts].text, "--current-model", settings[.currentModel].text,
                "--log-level", "warning", "--parent", String(getpid()),
            ],
            toErrors: json
        )
        defer {
            if server.isRunning {
                say("[e2e] stopping api server (pid=\(server.processIdentifier))")
                server.terminate()
                server.waitUntilExit()
            }
        }
        try await Task.sleep(for: .milliseconds(300))
        guard server.isRunning else {
            throw portTaken("the API server exited at startup (exit status \(server.terminationStatus))")
        }
        let smoke = SmokeTest(
            baseURL: base,
            timeoutSeconds: timeoutSec,
            retries: retries,
            retryDelaySeconds: retryDelaySec,
            failsOnMissingModel: true,
            isQuiet: json
        )
        guard try await smoke.run() == 0 else { throw ExitCode(1) }
        guard server.isRunning else { throw portTaken("the API server exited, and another server answered") }
        try await predictOneRow(base)
    }

    private func answers(_ base: String) async throws -> Bool {
        (try? await APIClient(baseURL: base, timeout: .seconds(1)).send("GET", "/health")) != nil
    }

    private func portTaken(_ message: String) -> Failure {
        Failure(.addressInUse, message, hint: "port \(port) may be in use; choose another port with --port")
    }

    private func predictOneRow(_ base: String) async throws {
        guard let datasetSpec, !skipTrain else { return }
        let spec = try DatasetSpec(contentsOf: datasetSpec)
        let result = try await RowPrediction(spec: spec, row: 1).ask(APIClient(baseURL: base))
        let probability = String(format: "%.4f", result.probability)
        say("[e2e] row 1 of the dataset: p_win=\(probability) (its class in the file: \(result.label))")
    }

    private func next(_ workspace: Workspace) {
        say("")
        say("What to try next:")
        let serve = port == 8000 ? "balanceops serve" : "balanceops serve --port \(port)"
        let hints = [
            [serve, "the API on http://127.0.0.1:\(port), with the dashboard below /ui"],
            ["balanceops explain", "why the current version serves"],
            ["balanceops train-dummy --seed 7", "another candidate for the policy to evaluate"],
        ]
        TextTable.lines(hints, width: nil).forEach { say("  \($0)") }
    }
}
