import ArgumentParser
import BalanceCore
import Foundation

/// `balanceops ci-check`.
struct CICheck: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "ci-check",
        abstract: "Runs the CI steps in a BalanceOps work tree: format, lint, tests, baseline, e2e.",
        discussion: """
            Stops at the first failing step and returns its exit status.
            """
    )
    static let examples = ["balanceops ci-check --skip-e2e"]

    @Option(help: "The server port of the e2e step.") var port = 8010
    @Flag(name: .customLong("skip-e2e"), help: "Skip the e2e step.") var skipE2E = false
    @Flag(help: "Also train on the credit data, without promotion.") var includeTabularBaseline = false
    @Flag(name: .customLong("no-ci-env"), help: "Use the configured database and artifacts instead of a sandbox.")
    var noCIEnvironment = false

    private struct Step {
        var name: String
        var program: String?
        var arguments: [String] = []
    }

    func run() async throws {
        Output.line("[ci_check] repo_root: \(FileManager.default.currentDirectoryPath)")
        guard FileManager.default.fileExists(atPath: "Package.swift") else {
            throw Failure(.fileNotFound, "no Package.swift in this folder", hint: "cd into the work tree of BalanceOps")
        }
        let steps = steps
        for (index, step) in steps.enumerated() {
            Output.line("[ci_check] step \(index + 1)/\(steps.count): \(step.name)")
            guard let program = step.program else { continue }
            Output.line("[ci_check] $ \(([program] + step.arguments).joined(separator: " "))")
            let status = try Program.run(program, step.arguments, environment: environment)
            if status != 0 { throw ExitCode(status) }
        }
        Output.line("[ci_check] OK")
    }

    private var steps: [Step] {
        var steps = [
            Step(
                name: "format check",
                program: "swift",
                arguments: [
                    "format", "lint", "--strict", "--parallel", "--recursive", "Package.swift", "Sources", "Tests",
                ]
            ),
            Step(name: "lint", program: "./scripts/lint.sh"),
            Step(name: "tests", program: "./scripts/test.sh"),
        ]
        if includeTabularBaseline {
            let spec = "examples/dataset_specs/finance_credit_demo.json"
            steps.append(
                Step(
                    name: "tabular baseline smoke (no-auto-promote)",
                    program: Program.own,
                    arguments: ["train-tabular-baseline", "--dataset-spec", spec, "--no-auto-promote"]
                )
            )
        }
        let e2e = Step(name: "e2e", program: Program.own, arguments: ["e2e", "--port", String(port)])
        return steps + [skipE2E ? Step(name: "skip e2e") : e2e]
    }

    /// A sandbox for what is not set already.
    private var environment: [String: String] {
        if noCIEnvironment { return [:] }
        let root = "\(FileManager.default.currentDirectoryPath)/.build/ci-check"
        let sandbox = [
            Setting.database.variable: "\(root)/balanceops.db", Setting.artifacts.variable: "\(root)/artifacts",
            Setting.currentModel.variable: "\(root)/artifacts/models/current.model",
        ]
        return sandbox.filter { ProcessInfo.processInfo.environment[$0.key] == nil }
    }
}
