import ArgumentParser
import BalanceCore
import Foundation

/// Who asks, for the audit trail.
struct ActorOptions: ParsableArguments {
    @Option(help: "The actor to record in the audit trail; defaults to the current user (BALANCEOPS_ACTOR).")
    var actor: String?

    var name: String {
        let environment = ProcessInfo.processInfo.environment
        let user = environment["USER"] ?? environment["LOGNAME"] ?? ""
        return (actor ?? environment["BALANCEOPS_ACTOR"] ?? (user.isEmpty ? "cli" : user)).oneLine
    }

    func request(reason: String, expecting generation: Int? = nil, ifDecision: String? = nil) -> TransitionRequest {
        TransitionRequest(
            by: Actor(name: name),
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
}
