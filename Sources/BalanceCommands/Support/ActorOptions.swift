import ArgumentParser
import BalanceCore
import Foundation

/// Who asks, for the audit trail.
struct ActorOptions: ParsableArguments {
    @Option(help: "The actor to record in the audit trail; defaults to the current user (BALANCEOPS_ACTOR).")
    var actor: String?

    /// The name that the command goes by where there are no accounts.
    var name: String {
        let user = Self.user
        return (said ?? (user.isEmpty ? "cli" : user)).oneLine
    }

    private var said: String? {
        let named = actor ?? ProcessInfo.processInfo.environment["BALANCEOPS_ACTOR"]
        return named.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The user of the operating system; empty where it has no name.
    static var user: String {
        let environment = ProcessInfo.processInfo.environment
        return environment["USER"] ?? environment["LOGNAME"] ?? account ?? ""
    }

    /// Whom a server is told: with a token it knows itself, and another name is an error of the caller.
    var onServer: String? { APIClient.token == nil ? name : said }

    /// Whoever runs a command on the files: where there are accounts, the user of the operating system and nobody else.
    static var onFiles: Actor {
        // By the user that the kernel knows: the environment says what one wants.
        Actor(name: "os:\(account ?? String(getuid()))".oneLine)
    }

    private static var account: String? {
        getpwuid(getuid()).flatMap { $0.pointee.pw_name.map { String(cString: $0) } }
    }

    /// - Throws: `Failure` with code `actorMismatch` for a name that nobody proves, where there are accounts.
    func actor(in workspace: Workspace) async throws -> Actor {
        guard try await !workspace.accounts.accounts().isEmpty else { return Actor(name: name) }
        let own = Self.onFiles
        guard said == nil || said == own.name else {
            throw Failure(
                .actorMismatch,
                "this database has accounts: a command on its files acts as \(own.name), not as '\(said ?? "")'",
                hint: "leave --actor and BALANCEOPS_ACTOR out, or act on the server with a token of yours"
            )
        }
        return own
    }

    func request(
        in workspace: Workspace,
        reason: String,
        expecting generation: Int? = nil,
        ifDecision: String? = nil
    ) async throws -> TransitionRequest {
        TransitionRequest(
            by: try await actor(in: workspace),
            reason: reason.oneLine,
            expectedGeneration: generation,
            ifDecision: ifDecision
        )
    }
}

/// A model and one of its versions, as arguments.
struct VersionArguments: ParsableArguments {
    @Argument(help: "The registered model.") var model: String
    @Argument(help: "The version number.") var version: Int

    /// Where something is done to it, below its model.
    func path(_ action: String) -> String { "versions/\(version)/\(action)" }
}
