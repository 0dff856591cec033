import ArgumentParser
import BalanceCore
import BalanceInference
import BalanceStore

/// `balanceops version`.
struct Version: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Prints the version of this program, and of a server.",
        discussion: "With --server or BALANCEOPS_SERVER also what the server says of itself."
    )
    static let examples = ["balanceops version", "balanceops version --server https://mlops.example.com --json"]

    @OptionGroup var serverOptions: ServerOptions
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let own: [(String, JSONValue)] = [
            ("version", .string(Build.version)), ("swift", .string(Build.swiftVersion)),
            ("schema", .int(SQLiteDatabase.schema)), ("sqlite", .string(SQLiteDatabase.library)),
        ]
        let server = try await serverOptions.client?.value("GET", "/version")
        if json { return Output.json(.object(own + (server.map { [("server", $0)] } ?? []))) }
        TextTable.lines(own.map { [$0.0, $0.1.string ?? $0.1.text()] }).forEach(Output.line)
        for (name, value) in server?.members ?? [] { Output.line("server \(name): \(value.string ?? value.text())") }
    }
}

/// `balanceops completions`.
struct Completions: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Prints a script with which a shell completes commands and flags."
    )
    static let examples = [
        "balanceops completions bash > /etc/bash_completion.d/balanceops",
        "balanceops completions zsh > ~/.zfunc/_balanceops", "balanceops completions fish | source",
    ]

    @Argument(help: "bash, zsh or fish.") var shell: String

    func run() async throws {
        guard let shell = CompletionShell(rawValue: shell) else {
            throw Failure(.invalidArgument, "unknown shell '\(shell)'", hint: "use bash, zsh or fish")
        }
        Output.line(RootCommand.completionScript(for: shell))
    }
}
