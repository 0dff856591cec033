import ArgumentParser
import BalanceCore
import BalanceStore
import Foundation
import NIOCore

/// `balanceops serve`.
struct Serve: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serves the API, and the dashboard below /ui, until SIGTERM or Ctrl-C."
    )
    static let examples = ["balanceops serve --port 8000"]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @OptionGroup(title: "Network and limits") var listen: ListenOptions
    @Option(help: "The port to listen on; 0 picks a free one (BALANCEOPS_PORT).") var port: String?

    @Option(help: "The gRPC port: a number, auto (API port + 1), or off (BALANCEOPS_GRPC_PORT).")
    var grpcPort: String?

    @Option(help: "off sends every request through the normal HTTP pipeline (BALANCEOPS_FAST_LANE).")
    var fastLane: String?

    @Option(help: "The number of threads that serve connections, or auto (BALANCEOPS_EVENT_LOOPS).")
    var eventLoops: String?

    @Option(help: ArgumentHelp("Exit when this parent process exits.", visibility: .hidden)) var parent: Int?

    func run() async throws {
        var flags = options.flags.merging(listen.flags) { first, _ in first }
        flags[.port] = port
        flags[.grpcPort] = grpcPort
        flags[.fastLane] = fastLane
        flags[.eventLoops] = eventLoops
        let settings = try await Settings.load(flags: flags)
        let port = try settings.port(.port)
        // Before anything is made: a server that may not start leaves nothing behind.
        if !Workspace.hasDatabase(settings) { _ = try await AccessMode(settings, listen.access) { false } }
        // Before anything asks for a loop: their number is fixed then.
        NIOSingletons.groupLoopCountSuggestion = try settings.eventLoops()
        let workspace = try await Workspace.open(settings)
        let mode = try await AccessMode(settings, listen.access) { try await !workspace.accounts.accounts().isEmpty }
        let lease = try ServerLease(database: settings[.database].text)
        defer { withExtendedLifetime(lease) {} }
        await CrashLoopBreaker(workspace: workspace).start()
        if let head = try await workspace.audit.auditHead() {
            Output.ok("audit trail: entry \(head.sequence), \(head.hash)")
        }
        let host = settings[.host].text
        let name = host.contains(":") ? "[\(host)]" : host
        if let parent { Task { await Self.endWith(parent) } }
        let builder = try await ServerBuilder(workspace: workspace, mode: mode, port: port)
        let welcome = try await builder.welcome()
        let scheme = builder.scheme
        let application = try await builder.api(
            grpc: try settings.grpcPort(besides: port),
            onGRPC: { Output.ok("gRPC on \(name):\($0)") },
            onStart: { port in
                let url = "\(scheme)://\(name):\(port)"
                Output.ok("API on \(url), dashboard on \(url)/ui")
                welcome(url)
            }
        )
        try await application.runUntilStopped(port: port, reloads: scheme == "https")
        try workspace.database.close()
    }

    /// Stops this server when the process that started it is gone, however it ended.
    private static func endWith(_ parent: Int) async {
        while Int(getppid()) == parent { try? await Task.sleep(for: .milliseconds(300)) }
        kill(getpid(), SIGTERM)
    }
}
