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
        if let failure = unknownCommand(arguments) {
            Output.failure(failure, asJSON: arguments.contains("--json"))
            return failure.code.row.exit
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

    /// What is wrong with the words that name a command; nil where they name one.
    private static func unknownCommand(_ arguments: [String]) -> Failure? {
        var words = arguments[...]
        let isHelp = words.first == "help"
        if isHelp { words = words.dropFirst() }
        var commands: [any ParsableCommand.Type] = RootCommand.commands
        var path = "balanceops"
        while let word = words.first, !word.hasPrefix("-"), !commands.isEmpty {
            guard let found = commands.first(where: { $0._commandName == word }) else {
                let names = commands.map { $0._commandName } + ["help"]
                let near = Suggestion.nearest(to: word, of: names).map { "did you mean '\($0)'? " } ?? ""
                return Failure(
                    .invalidArgument,
                    "unknown command '\(path) \(word)'",
                    hint: "\(near)\(path) --help lists the commands"
                )
            }
            (commands, path) = (found.configuration.subcommands, "\(path) \(word)")
            words = words.dropFirst()
        }
        return nil
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
        let isHelp = message.contains("USAGE: ")
        let text = isHelp ? HelpText.arranged(message) + examples(for: arguments) : message
        if code == 0 { Output.line(text) } else { Output.note(text) }
        return code
    }

    /// The examples that end a command's help.
    private static func examples(for arguments: [String]) -> String {
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
        groupedSubcommands: groups.map { CommandGroup(name: $0.name, subcommands: $0.commands) }
    )

    /// All commands with the words that call them, those below others too.
    static var all: [(words: String, command: any ParsableCommand.Type)] {
        commands.flatMap { command in
            let name = command._commandName
            let below = command.configuration.subcommands.map { ("\(name) \($0._commandName)", $0) }
            return [(name, command as any ParsableCommand.Type)] + below
        }
    }

    static var commands: [any ExemplifiedCommand.Type] { groups.flatMap(\.commands) }

    static let groups: [(name: String, commands: [any ExemplifiedCommand.Type])] = [
        (
            "Track",
            [Runs.self, Experiments.self, DemoRun.self, TrainDummy.self, TrainTabularBaseline.self]
        ),
        (
            "Decide",
            [
                Promote.self, Rollback.self, Explain.self, Evaluate.self, Approve.self, Freeze.self, Unfreeze.self,
                Quarantine.self, Release.self, Policy.self, Gate.self,
            ]
        ),
        ("Serve", [Serve.self, DashboardCommand.self, Predict.self, SmokeHTTP.self]),
        ("Look", [Models.self, Audit.self, Doctor.self, ConfigCommand.self, Version.self]),
        ("Move", [Import.self, Export.self, Backup.self, Restore.self]),
        (
            "Operate",
            [InitDB.self, Users.self, Tokens.self, WebhookCommand.self, Purge.self, Completions.self]
        ),
        ("Check", [E2E.self, CICheck.self, Bench.self]),
    ]
}

/// A command whose help ends with command lines to paste.
protocol ExemplifiedCommand: AsyncParsableCommand {
    static var examples: [String] { get }
}
