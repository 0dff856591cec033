import BalanceCore
import BalanceNet
import Foundation
import Hummingbird

/// What the forms of a run's page change.
struct RunEdit: Sendable {
    let sources: DashboardSources

    /// The longest note, in bytes.
    private static let longestNote = 64 << 10

    func act(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        let form = try await PageForm(request, context)
        let text = try context.parameters.require("run_id")
        let id = RunID(native: text.removingPercentEncoding ?? text)
        switch form["action"] {
        case "rename":
            let name = form["name"]
            guard !name.isEmpty, name.utf8.count <= 500 else {
                throw Failure(.invalidParameter, "Invalid name.", hint: "use 1 to 500 bytes")
            }
            _ = try await sources.log.updateRun(id, RunUpdate(status: nil, endedAt: nil, name: name))
        case "note": try await note(form["note"], id)
        case "tag":
            guard !form["key"].isEmpty else {
                throw Failure(.invalidParameter, "Missing name of the tag.", hint: "go back and enter one")
            }
            try await sources.log.log(LogBatch(tags: [KeyValue(key: form["key"], value: form["value"])]), to: id)
        case "untag": try await sources.log.deleteTag(form["key"], ofRun: id)
        default: throw Failure(.invalidParameter, "Unknown action.", hint: "open the run's page again")
        }
        return .redirect("/runs/\(id.native.percentEncoded)")
    }

    private func note(_ text: String, _ id: RunID) async throws {
        guard text.utf8.count <= Self.longestNote else {
            throw Failure(.invalidParameter, "The note is larger than 64 KiB.", hint: "store it as an artifact")
        }
        if text.isEmpty {
            try? await sources.log.deleteTag(noteTag, ofRun: id)
        } else {
            try await sources.log.log(LogBatch(tags: [KeyValue(key: noteTag, value: text)]), to: id)
        }
    }
}
