import ArgumentParser
import BalanceCore
import BalanceStore

/// `balanceops dashboard`.
struct DashboardCommand: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "dashboard",
        abstract: "Serves the dashboard on a separate port until SIGTERM or Ctrl-C."
    )
    static let examples = ["balanceops dashboard --port 8501 --api-url http://127.0.0.1:8000"]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @OptionGroup(title: "Network and limits") var listen: ListenOptions
    @Option(help: "The port to listen on; 0 picks a free one (BALANCEOPS_DASHBOARD_PORT).") var port: String?
    @Flag(help: "Allow changes through forms; without it the dashboard is read-only.") var writable = false

    func run() async throws {
        var flags = options.flags.merging(listen.flags) { first, _ in first }
        flags[.dashboardPort] = port
        let settings = try await Settings.load(flags: flags)
        let port = try settings.port(.dashboardPort)
        if !Workspace.hasDatabase(settings) { _ = try await AccessMode(settings, listen.access) { false } }
        let workspace = try await Workspace.open(settings)
        let mode = try await AccessMode(settings, listen.access) { try await !workspace.accounts.accounts().isEmpty }
        let host = settings[.host].text
        let builder = try await ServerBuilder(workspace: workspace, mode: mode, port: port)
        let scheme = builder.scheme
        let application = try builder.dashboard(isWritable: writable) { port in
            Output.ok("dashboard on \(scheme)://\(host):\(port)")
        }
        try await application.runUntilStopped(port: port, reloads: scheme == "https")
        try workspace.database.close()
    }
}
