import ArgumentParser
import BalanceCore
import NIOCore

/// A server to act on instead of the files.
struct ServerOptions: ParsableArguments {
    @Option(help: "The URL of a server to act on instead of the files (BALANCEOPS_SERVER, with BALANCEOPS_TOKEN).")
    var server: String?

    /// nil: the files.
    var client: APIClient? {
        // A promotion loads and tests the file first.
        (server ?? APIClient.server).map { APIClient(baseURL: $0, timeout: .seconds(120)) }
    }
}
