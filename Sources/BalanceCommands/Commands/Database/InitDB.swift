import ArgumentParser
import BalanceCore
import BalanceStore

/// `balanceops init-db`.
struct InitDB: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "init-db",
        abstract: "Creates the database, or migrates an older one to the current schema.",
        discussion: """
            A database of the original BalanceOps is backed up to the same folder first.
            """
    )
    static let examples = ["balanceops init-db --db data/balanceops.db"]

    @OptionGroup(title: "Files") var options: SettingsOptions
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        let path = workspace.settings[.database].text
        if !json { return Output.ok("initialized DB: \(path)") }
        let settings = try await workspace.database.settings().map { ($0.0, JSONValue.string($0.1)) }
        let library = try await workspace.database.libraryVersion()
        Output.json(
            .object([
                ("ok", .bool(true)), ("db", .string(path)), ("sqlite", .string(library)),
                ("settings", .object(settings)),
            ])
        )
    }
}
