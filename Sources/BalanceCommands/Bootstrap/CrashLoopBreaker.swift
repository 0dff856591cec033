import BalanceCore
import Foundation

/// Goes back to the model before, where a new one keeps ending the server: it loads and answers its test, and a request
/// that nobody thought of brings the library down that executes it.
struct CrashLoopBreaker {
    let workspace: Workspace

    /// So many crashes within so many seconds are a loop, if the model came at most so long before the first of them.
    private static let crashes = 2
    private static let window = 60
    private static let newModel = 600

    private var file: String { workspace.settings[.database].text + ".crashes" }

    /// Looks at what the processes before left, acts where that is due, and watches this one.
    func start() async {
        let now = Timestamp.now().milliseconds / 1000
        let recent = CrashRecord.seconds(in: file).filter { now - Self.window <= $0 && $0 <= now }
        if recent.count >= Self.crashes, let first = recent.first {
            await goBack(crashedAt: first)
            CrashRecord.forget(file)
        } else if recent.isEmpty {
            CrashRecord.forget(file)
        }
        CrashRecord.watch(file)
    }

    private func goBack(crashedAt second: Int) async {
        guard let slot = try? await newest(), let version = slot.version, let moved = slot.movedAt?.milliseconds,
            (0...Self.newModel).contains(second - moved / 1000), await wasPromoted(slot)
        else {
            return Output.note(
                "[WARN] the server crashed \(Self.crashes) times within \(Self.window) s, with no new model to blame"
            )
        }
        let reason = "the server crashed \(Self.crashes) times within \(Self.window) s of serving version \(version)"
        let request = TransitionRequest(
            actor: "crash-loop breaker",
            reason: reason,
            expectedGeneration: slot.generation
        )
        do {
            let result = try await workspace.versionPromoter.rollBack(slot.model, to: nil, by: request)
            Output.note("[WARN] \(reason): rolled back to version \(result.slot.version ?? 0) of \(slot.model)")
        } catch {
            Output.note("[WARN] \(reason), and it cannot be rolled back: \(Failure.from(error).message)")
        }
    }

    /// Whether the newest move brought a new version, and did not go back to one.
    private func wasPromoted(_ slot: Slot) async -> Bool {
        let last = try? await workspace.governance.history(of: slot.model, limit: 1).first
        return last.map { ["promote", "force"].contains($0.kind) } ?? false
    }

    /// The model that moved last.
    private func newest() async throws -> Slot? {
        var newest: Slot?
        for model in try await workspace.models.searchModels(SearchQuery(limit: 10_000)).items {
            let slot = try await workspace.governance.slot(of: model.name)
            if let moved = slot.movedAt, moved > newest?.movedAt ?? Timestamp(milliseconds: 0) { newest = slot }
        }
        return newest
    }
}
