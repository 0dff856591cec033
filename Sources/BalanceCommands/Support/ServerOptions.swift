import ArgumentParser
import BalanceCore
import Foundation
import NIOCore

/// A server to act on instead of the files.
struct ServerOptions: ParsableArguments {
    @Option(help: "The URL of a server to act on instead of the files (BALANCEOPS_SERVER, with BALANCEOPS_TOKEN).")
    var server: String?

    /// nil: the files.
    var url: String? {
        (server ?? ProcessInfo.processInfo.environment["BALANCEOPS_SERVER"]).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// nil: the files.
    var client: APIClient? { client(as: nil) }

    func client(as actor: String?) -> APIClient? {
        // A promotion loads and tests the file first.
        url.map { APIClient(baseURL: $0, timeout: .seconds(120), actor: actor) }
    }
}

/// Where a command acts: on a server, or on the files by the same endpoints.
struct PlaceOptions: ParsableArguments {
    @OptionGroup var options: SettingsOptions
    @OptionGroup var serverOptions: ServerOptions

    /// What answers the requests of a command that only reads: it creates nothing.
    func reading() async throws -> any API {
        if let client = serverOptions.client { return client }
        return try await FilesAPI(Workspace.open(options.load(), creates: false), as: ActorOptions.onFiles)
    }

    /// What answers the requests of a command that changes something in somebody's name.
    func api(as actorOptions: ActorOptions) async throws -> any API {
        if let client = serverOptions.client(as: actorOptions.onServer) { return client }
        let workspace = try await Workspace.open(options.load())
        return try await FilesAPI(workspace, as: actorOptions.actor(in: workspace))
    }

    /// Refuses what can be done on the files alone.
    func requireFiles(_ what: String) throws {
        guard serverOptions.url != nil else { return }
        throw Failure(
            .invalidArgument,
            "\(what) works on files, not on a server",
            hint: "run it on the server's machine, without --server and BALANCEOPS_SERVER"
        )
    }
}
