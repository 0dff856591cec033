import BalanceCore
import BalanceTestSupport
import Foundation
import Testing

@testable import BalanceCommands

struct CommandLineTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private var paths: [String] {
        [
            "--db", folder("b.db"), "--artifacts", folder("artifacts"), "--current-model",
            folder("artifacts/models/current.model"),
        ]
    }

    private func run(_ arguments: String...) async -> Int32 {
        await Launcher.run(["balanceops"] + arguments + paths)
    }

    @Test(arguments: RootCommand.commands.map { $0._commandName })
    func `the help of every command ends with an example`(name: String) throws {
        let command = try #require(RootCommand.commands.first { $0._commandName == name })
        let (status, text) = try Program.output(Self.binary, [name, "--help"])
        #expect(status == 0)
        let last = try #require(text.split(separator: "\n").last)
        #expect(last.contains("balanceops \(name)"))
        #expect(last.trimmingPrefix("  ") == command.examples.last ?? "")
    }

    /// The binary beside the test bundle.
    private static let binary = "\(FileManager.default.currentDirectoryPath)/.build/debug/balanceops"

    @Test func `the whole loop runs on one command after the other`() async throws {
        #expect(await run("init-db") == 0)
        #expect(await run("demo-run") == 0)
        #expect(await run("train-dummy", "--seed", "5") == 0)
        #expect(await run("promote", "--latest") == 0)
        #expect(await run("e2e", "--skip-serve") == 0)
        #expect(folder.names(in: "artifacts/runs").count == 5, "three runs and two pointers")
    }

    @Test func `promote says by its exit status what was in the way`() async throws {
        #expect(await run("promote", "--run-id", "unknown") == 2)
        #expect(await run("promote", "--latest") == 2)
        #expect(await run("demo-run") == 0)
        #expect(await run("promote", "--latest") == 3)
        #expect(await run("promote", "--latest", "--model-path", folder("nothing")) == 4)
        let bad = try folder.write("rubbish", to: "bad")
        #expect(await run("promote", "--latest", "--model-path", bad) == 5)
        #expect(await run("promote") == 64)
        #expect(await run("promote", "--latest", "--run-id", "x") == 64)
    }

    @Test func `the toy data set is trained on without promotion`() async throws {
        let arguments = ["--csv-path", "examples/datasets/toy.csv", "--target-col", "y", "--no-auto-promote"]
        #expect(await Launcher.run(["balanceops-train-tabular-baseline"] + arguments + paths) == 0)
        #expect(folder.names(in: "artifacts/models") == ["candidates"])
        let runs = folder.names(in: "artifacts/runs").filter { $0.hasSuffix(".json") == false && $0 != "_by_id" }
        #expect(folder.names(in: "artifacts/runs/\(runs[0])") == ["dataset.json", "manifest.json"])
    }

    @Test(arguments: [
        ["train-tabular-baseline"], ["train-dummy", "--seed", "x"], ["unknown"], ["train-dummy", "--nope"],
    ])
    func `a mistake in the command line is a usage error`(arguments: [String]) async {
        #expect(await Launcher.run(["balanceops"] + arguments) == 64)
    }

    @Test(arguments: [["train-dummy", "--n-features", "0"], ["train-dummy", "--n-samples", "-1"]])
    func `numbers out of range are refused`(arguments: [String]) async {
        #expect(await Launcher.run(["balanceops"] + arguments + paths) == 64)
    }

    @Test func `a training that fails leaves a failed run and no candidate`() async throws {
        let csv = try folder.write("a,y\n1,0\n2,0\n3,0\n", to: "one.csv")
        #expect(await run("train-tabular-baseline", "--csv-path", csv, "--target-col", "y") == 1)
        let workspace = try await Workspace.open(
            Settings.load(flags: [.database: folder("b.db"), .artifacts: folder("artifacts")], environment: [:])
        )
        #expect(try await workspace.tracking.runs(RunSearch(), offset: 0).items.map(\.status) == [.failed])
        #expect(folder.names(in: "artifacts/models/candidates").isEmpty)
    }
}

struct SettingsTests {
    @Test func `a flag beats the environment, that beats the file, that beats the default`() async throws {
        let folder = try TemporaryFolder()
        try folder.write(
            """
            # a comment
            BALANCEOPS_DB=file.db
            export BALANCEOPS_ARTIFACTS="a folder"
            BALANCEOPS_API_URL='http://file:1'
            BALANCEOPS_HOST=
            """,
            to: ".env"
        )
        let settings = try await Settings.load(
            flags: [.apiURL: "http://flag:1"],
            environment: ["BALANCEOPS_DB": "environment.db", "BALANCEOPS_API_URL": "http://environment:1"],
            directory: folder.path
        )
        #expect(settings[.apiURL] == .init(text: "http://flag:1", origin: "flag"))
        #expect(settings[.database] == .init(text: "environment.db", origin: "environment"))
        #expect(settings[.artifacts] == .init(text: "a folder", origin: ".env"))
        #expect(settings[.host] == .init(text: "127.0.0.1", origin: "default"))
    }

    @Test(arguments: [
        ("BALANCEOPS_DB=a.db\r\nBALANCEOPS_HOST=h\r\n", "a.db", "h"),
        ("\u{FEFF}BALANCEOPS_DB=a.db", "a.db", "127.0.0.1"),
        ("BALANCEOPS_DB=a.db # the file\nBALANCEOPS_HOST='h # i' # k", "a.db", "h # i"),
        ("# BALANCEOPS_DB=x\n=y\nnothing\nBALANCEOPS_DB = \"a b.db\"", "a b.db", "127.0.0.1"),
    ])
    func `the env file is read as python-dotenv reads it`(text: String, database: String, host: String) async throws {
        let folder = try TemporaryFolder()
        try folder.write(text, to: ".env")
        let settings = try await Settings.load(flags: [:], environment: [:], directory: folder.path)
        #expect(settings[.database].text == database)
        #expect(settings[.host].text == host)
    }

    @Test(arguments: ["x", "-1", "65536", ""])
    func `a port that is none is refused or the default`(text: String) async throws {
        let settings = try await Settings.load(flags: [.port: text], environment: [:], directory: "/nowhere")
        if text.isEmpty {
            #expect(try settings.port(.port) == 8000)
        } else {
            #expect(throws: Failure.self) { try settings.port(.port) }
        }
    }
}
