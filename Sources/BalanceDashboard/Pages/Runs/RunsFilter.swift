import BalanceNet
import BalanceCore
import Foundation
import Hummingbird

/// What the overview shows, as its address says: the address is the whole state.
struct RunsFilter {
    static let limits = [20, 50, 100, 200]
    static let pointCounts = [10, 20, 50, 100, 200]

    var search: String
    var kind: String
    /// `clean`, `dirty` or empty for both.
    var git: String
    /// A condition in the filter language.
    var condition: String
    var experimentID: Int?
    var isDeleted: Bool
    var limit: Int
    var includesMetrics: Bool
    /// The metrics to draw; empty: the first three.
    var metrics: [String]
    var points: Int
    var dropsMissing: Bool
    /// Whether the form was sent at all: an unset box is only then a choice.
    var isSent: Bool
    /// The place that the page goes on behind; nil: from the newest run.
    var after: String?
    private let pairs: [(name: String, value: String)]

    init(_ request: Request) {
        let query = FormFields(request.uri.query ?? "").pairs
        let first: (String) -> String = { name in
            let text = query.first { $0.name == name }?.value ?? ""
            return String(text.prefix(200)).trimmingPrefix { $0 == " " }.description
        }
        pairs = query
        after = query.first { $0.name == "after" }.map { String($0.value.prefix(500)) }
        isSent = first("sent") == "1"
        search = first("q")
        kind = first("kind")
        git = ["clean", "dirty"].contains(first("git")) ? first("git") : ""
        let condition = query.first { $0.name == "where" }?.value ?? ""
        self.condition = String(condition.prefix(2000))
        experimentID = Int(first("experiment"))
        isDeleted = first("view") == "deleted"
        limit = Int(first("limit")).flatMap { Self.limits.contains($0) ? $0 : nil } ?? 20
        points = Int(first("points")).flatMap { Self.pointCounts.contains($0) ? $0 : nil } ?? 50
        includesMetrics = isSent ? first("metrics") == "1" : true
        dropsMissing = first("drop") == "1"
        metrics = query.filter { $0.name == "metric" }.prefix(20).map(\.value)
    }

    /// The search, without the condition, which may be wrong.
    var runs: RunSearch {
        var search = RunSearch(
            experimentIDs: experimentID.map { [$0] },
            query: SearchQuery(view: isDeleted ? .deletedOnly : .activeOnly, limit: limit, after: after)
        )
        search.text = self.search
        search.kind = kind.isEmpty ? nil : kind
        search.isDirty = git.isEmpty ? nil : git == "dirty"
        return search
    }

    /// The address of the same view from another place on; nil: from the newest run.
    func link(after place: String?) -> String {
        let pairs = self.pairs.filter { $0.name != "after" } + (place.map { [(name: "after", value: $0)] } ?? [])
        return "?" + pairs.map { "\($0.name.percentEncoded)=\($0.value.percentEncoded)" }.joined(separator: "&")
    }

    var isActive: Bool {
        !search.isEmpty || !kind.isEmpty || !git.isEmpty || !condition.isEmpty || isDeleted
            || experimentID != nil
    }
}
