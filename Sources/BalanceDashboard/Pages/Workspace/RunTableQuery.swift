import BalanceCore
import BalanceNet
import Hummingbird

/// What the table of runs shows, as its address says: the address is the whole state.
struct RunTableQuery {
    static let limits = [25, 50, 100, 200]

    var text: String
    /// A condition in the filter language.
    var condition: String
    var status: String
    var user: String
    var experimentID: Int?
    var isDeleted: Bool
    /// The column that sorts, and whether it ascends; nil: newest first.
    var sort: (column: RunColumn, isAscending: Bool)?
    /// Empty: those that tell the runs of the page apart.
    var columns: [RunColumn]
    var limit: Int
    var after: String?
    private let pairs: [(name: String, value: String)]

    /// More columns than these are not shown: a page must not grow with what a run logs.
    static let maximumColumns = 60

    /// What the address may say; links repeat nothing else.
    private static let names: Set<String> = [
        "q", "where", "status", "user", "experiment", "stage", "sort", "cols", "col", "limit", "after", "deleted",
        "restored",
        "tagged",
    ]

    init(_ request: Request) {
        pairs = FormFields(request.uri.query ?? "").pairs.filter { !$0.value.isEmpty && Self.names.contains($0.name) }
        let pairs = self.pairs
        let first: (String) -> String = { name in
            pairs.first { $0.name == name }.map { String($0.value.prefix(2000)) } ?? ""
        }
        (text, condition, status, user) = (first("q"), first("where"), first("status"), first("user"))
        experimentID = Int(first("experiment"))
        isDeleted = first("stage") == "deleted"
        let code = first("sort")
        sort = RunColumn(code: code.hasPrefix("-") ? String(code.dropFirst()) : code).flatMap { column in
            column.identifier == nil ? nil : (column, !code.hasPrefix("-"))
        }
        var seen: Set<RunColumn> = []
        let named =
            first("cols").split(separator: ",").map(String.init) + pairs.filter { $0.name == "col" }.map(\.value)
        columns = named.compactMap(RunColumn.init).filter { seen.insert($0).inserted }.prefix(Self.maximumColumns).map {
            $0
        }
        limit = Int(first("limit")).flatMap { Self.limits.contains($0) ? $0 : nil } ?? 50
        after = first("after").isEmpty ? nil : first("after")
    }

    var isFiltered: Bool {
        !text.isEmpty || !condition.isEmpty || !status.isEmpty || !user.isEmpty || experimentID != nil || isDeleted
    }

    /// The address of the same view with some fields set, or taken away by nil.
    func link(_ changes: [(String, String?)]) -> String {
        let names = Set(changes.map(\.0))
        let kept = pairs.filter { !names.contains($0.name) && !["deleted", "restored", "tagged"].contains($0.name) }
        let all = kept + changes.compactMap { name, value in value.map { (name: name, value: $0) } }
        return "?" + all.map { "\($0.name.percentEncoded)=\($0.value.percentEncoded)" }.joined(separator: "&")
    }

    /// - Throws: `FilterError` for a condition that cannot be read, at its place in the condition.
    func search() throws(FilterError) -> RunSearch {
        let own = try SearchFilter.parse(condition, dialect: .extended)
        var parts = own == nil || condition.allSatisfy(\.isWhitespace) ? [] : ["(\(condition))"]
        if !status.isEmpty { parts.append("attributes.status = \(FilterText.value(status))") }
        if !user.isEmpty { parts.append("attributes.user_id = \(FilterText.value(user))") }
        var query = SearchQuery(
            filter: try SearchFilter.parse(parts.joined(separator: " AND "), dialect: .extended),
            view: isDeleted ? .deletedOnly : .activeOnly,
            limit: limit,
            after: after
        )
        if let sort, let identifier = sort.column.identifier {
            query.order = [try SearchFilter.parseOrder("\(identifier) \(sort.isAscending ? "ASC" : "DESC")")]
        }
        var search = RunSearch(experimentIDs: experimentID.map { [$0] }, query: query)
        search.text = text
        return search
    }
}
