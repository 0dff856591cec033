import BalanceService
import BalanceSystem
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
        let recent = CrashRecord.all(in: file).filter { now - Self.window <= $0.second && $0.second <= now }
        if recent.count >= Self.crashes {
            if let slot = await blamed(recent) {
                await goBack(slot)
            } else {
                Output.note(
                    "[WARN] the server crashed \(Self.crashes) times within \(Self.window) s; no recent promotion"
                )
            }
            CrashRecord.forget(file)
        } else if recent.isEmpty {
            CrashRecord.forget(file)
        }
        CrashRecord.watch(file)
    }

    /// The model that was asked each time, where its current version is new; a crash of anything else blames none.
    private func blamed(_ recent: [CrashRecord]) async -> Slot? {
        let suspects = Dictionary(grouping: recent.filter { $0.model != 0 }) { $0.model }
        for (model, crashes) in suspects where crashes.count >= Self.crashes {
            guard let first = crashes.map(\.second).min(), let slot = await slot(model), let version = slot.version,
                crashes.allSatisfy({ $0.version == version }), let moved = slot.movedAt?.milliseconds,
                (0...Self.newModel).contains(first - moved / 1000), await wasPromoted(slot)
            else { continue }
            return slot
        }
        return nil
    }

    private func slot(_ mark: UInt64) async -> Slot? {
        let slots = try? await workspace.governance.movedSlots()
        return slots?.first { ServedModel.crashMark(of: $0.model) == mark }
    }

    private func goBack(_ slot: Slot) async {
        let reason =
            "the server crashed \(Self.crashes) times within \(Self.window) s running version \(slot.version ?? 0)"
        let request = TransitionRequest(
            by: Actor(name: "crash-loop breaker"),
            reason: reason,
            expectedGeneration: slot.generation
        )
        do {
            let result = try await workspace.promotions.rollBack(slot.model, to: nil, by: request)
            Output.note("[WARN] \(reason): rolled back to version \(result.slot.version ?? 0) of \(slot.model)")
        } catch {
            Output.note("[WARN] \(reason); rollback failed: \(Failure.from(error).message)")
        }
    }

    /// Whether the newest move brought a new version, and did not go back to one.
    private func wasPromoted(_ slot: Slot) async -> Bool {
        let last = try? await workspace.governance.history(of: slot.model, limit: 1).first
        return last.map { ["promote", "force"].contains($0.kind) } ?? false
    }
}
