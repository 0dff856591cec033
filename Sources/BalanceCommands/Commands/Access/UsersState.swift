import ArgumentParser
import BalanceCore

/// `balanceops users disable`.
struct UsersDisable: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable",
        abstract: "Disables an account: its sign-ins end, and its tokens and those of its services hold no more."
    )
    static let examples = ["balanceops users disable kim"]

    @OptionGroup(title: "Files or server") var accountOptions: AccountOptions
    @Argument(help: "The account.") var name: String

    func run() async throws {
        try await accountOptions.place().setDisabled(true, name)
        Output.ok("\(name) is disabled")
    }
}

/// `balanceops users enable`.
struct UsersEnable: ExemplifiedCommand {
    static let configuration = CommandConfiguration(commandName: "enable", abstract: "Enables a disabled account.")
    static let examples = ["balanceops users enable kim"]

    @OptionGroup(title: "Files or server") var accountOptions: AccountOptions
    @Argument(help: "The account.") var name: String

    func run() async throws {
        try await accountOptions.place().setDisabled(false, name)
        Output.ok("\(name) is enabled")
    }
}

/// `balanceops users delete`.
struct UsersDelete: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Deletes an account with its tokens; the name is not given again."
    )
    static let examples = ["balanceops users delete kim"]

    @OptionGroup(title: "Files or server") var accountOptions: AccountOptions
    @Argument(help: "The account.") var name: String

    func run() async throws {
        try await accountOptions.place().delete(name)
        Output.ok("deleted \(name)")
    }
}

/// `balanceops users sign-out`.
struct UsersSignOut: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign-out",
        abstract: "Ends all sign-ins of an account; its tokens stay."
    )
    static let examples = ["balanceops users sign-out kim"]

    @OptionGroup(title: "Files or server") var accountOptions: AccountOptions
    @Argument(help: "The account.") var name: String

    func run() async throws {
        try await accountOptions.place().signOut(name)
        Output.ok("\(name) is signed out everywhere")
    }
}
