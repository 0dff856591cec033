import ArgumentParser
import BalanceCore

/// `balanceops config`.
struct ConfigCommand: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Prints every setting, its value, and the source of the value."
    )
    static let examples = ["BALANCEOPS_PORT=9000 balanceops config"]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @OptionGroup(title: "Network and limits") var listen: ListenOptions
    @Option(help: "The API's port (BALANCEOPS_PORT).") var port: String?
    @Option(help: "The dashboard's port (BALANCEOPS_DASHBOARD_PORT).") var dashboardPort: String?
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        var flags = options.flags.merging(listen.flags) { first, _ in first }
        flags[.port] = port
        flags[.dashboardPort] = dashboardPort
        let settings = try await Settings.load(flags: flags)
        if json {
            let rows = Setting.all.map { setting -> (String, JSONValue) in
                let value = settings[setting]
                return (
                    setting.variable,
                    .object([("value", .string(value.text)), ("origin", .string(value.origin))])
                )
            }
            return Output.json(.object(rows))
        }
        for setting in Setting.all {
            let value = settings[setting]
            Output.line("\(setting.variable)=\(value.text)  # \(value.origin): \(setting.meaning)")
        }
    }
}
