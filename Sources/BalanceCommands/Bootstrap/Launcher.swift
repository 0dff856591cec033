import ArgumentParser
import BalanceCore
import Foundation

/// The program: its name may also be `balanceops-<subcommand>`.
package enum Launcher {
    /// Runs the command line and ends the process with the command's exit status.
    package static func main() async {
        exit(await run(CommandLine.arguments))
    }

    /// Runs a command line, the program's name first, and returns its exit status.
    package static func run(_ commandLine: [String]) async -> Int32 {
        // A client that goes away while it is written to must not end the process.
        signal(SIGPIPE, SIG_IGN)
        let program = (commandLine.first ?? "" as String).split(separator: "/").last.map(String.init) ?? ""
        var arguments = Array(commandLine.dropFirst())
        // Only a known subcommand counts: the binary itself may be named balanceops-1.2 or so.
        let names = Set(RootCommand.commands.map { $0._commandName })
        if let command = RootCommand.commands.first(where: { program == "balanceops-\($0._commandName)" }),
            !names.contains(arguments.first ?? "")
        {
            arguments.insert(command._commandName, at: 0)
        }
        do {
            var command = try RootCommand.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return 0
        } catch let failure as Failure {
            Output.failure(failure, asJSON: arguments.contains("--json"))
            return failure.code.row.exit
        } catch {
            return report(error, arguments)
        }
    }

    /// What the argument parser says: help and version on standard output, mistakes on standard error.
    private static func report(_ error: any Error, _ arguments: [String]) -> Int32 {
        let code = RootCommand.exitCode(for: error).rawValue
        if error is ExitCode { return code }
        let isParser = "\(type(of: error))".hasPrefix("CommandError") || error is ValidationError
        if !isParser, !(error is CleanExit) {
            let failure = Failure.from(error)
            Output.failure(failure, asJSON: false)
            return failure.code.row.exit
        }
        let message = RootCommand.fullMessage(for: error)
        if code == 0 { Output.line(message + examples(for: arguments, message)) } else { Output.note(message) }
        return code
    }

    /// The examples that end a command's help.
    private static func examples(for arguments: [String], _ message: String) -> String {
        guard message.contains("USAGE: ") else { return "" }
        let command = RootCommand.commands.first { arguments.contains($0._commandName) }
        let lines = command?.examples ?? E2E.examples
        return "\n\n\(lines.count == 1 ? "EXAMPLE" : "EXAMPLES"):\n" + lines.map { "  \($0)" }.joined(separator: "\n")
    }
}

/// `balanceops`.
struct RootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "balanceops",
        abstract: "Tracks runs, promotes models under a policy, serves the current model, and shows a dashboard.",
        version: Build.version,
        subcommands: commands
    )

    /// All commands with the words that call them, those below others too.
    static var all: [(words: String, command: any ParsableCommand.Type)] {
        commands.flatMap { command in
            let name = command._commandName
            let below = command.configuration.subcommands.map { ("\(name) \($0._commandName)", $0) }
            return [(name, command as any ParsableCommand.Type)] + below
        }
    }

    static let commands: [any ExemplifiedCommand.Type] = [
        InitDB.self, DemoRun.self, TrainDummy.self, TrainTabularBaseline.self, Promote.self, Rollback.self,
        Explain.self, Approve.self, Freeze.self, Unfreeze.self, Quarantine.self, Release.self, Models.self, Policy.self,
        Audit.self, WebhookCommand.self, Users.self, Tokens.self, Gate.self, Purge.self, Doctor.self,
        Import.self, Export.self,
        Serve.self,
        DashboardCommand.self, Predict.self, SmokeHTTP.self, E2E.self, CICheck.self, Bench.self,
        ConfigCommand.self,
    ]
}

/// A command whose help ends with command lines to paste.
protocol ExemplifiedCommand: AsyncParsableCommand {
    static var examples: [String] { get }
}
