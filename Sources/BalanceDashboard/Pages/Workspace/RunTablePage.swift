import BalanceCore
import BalanceNet
import BalanceSystem
import HTTPTypes
import Hummingbird
import NIOCore

/// `/runs`: the table of runs with its columns, its export, and what is done to several runs at once.
struct RunTablePage: Sendable {
    let sources: DashboardSources
    let renderer: PageRenderer

    /// The most runs that one form acts on.
    private static let maximumRuns = 200
    /// The most rows of an export.
    private static let exported = 10_000

    func show(_ request: Request) async throws -> PageRenderer.PageResult {
        let preferences = Preferences(request)
        let texts = preferences.language.texts
        let query = RunTableQuery(request)
        var page = Page<TrackedRun>(items: [])
        var total = 0
        var content: [String: Any] = [:]
        do {
            let search = try query.search()
            page = try await sources.log.search(search)
            total = try await sources.tracking.count(search)
        } catch let error as FilterError {
            content["where_error"] = error.failure(in: query.condition).message
        }
        let experiments = try await names(of: page.items, query)
        let table = RunTable(page.items, query, experiments: experiments, texts, TimeDisplay(zone: preferences.zone))
        content.merge(Self.controls(query, texts)) { _, new in new }
        content["table"] = table
        content["has_rows"] = !table.rows.isEmpty
        content["row_count"] = table.rows.count
        content["total"] = total
        content["next"] = page.next.map { query.link([("after", $0)]) } ?? ""
        content["first"] = query.after == nil ? "" : query.link([("after", nil)])
        content["experiment_name"] = query.experimentID.flatMap { experiments[$0] } ?? ""
        content["csv"] = query.link([("after", nil)])
        content["here"] = query.link([])
        content.merge(Self.notice(request)) { _, new in new }
        let title = query.experimentID.flatMap { experiments[$0] } ?? texts["runs"] ?? ""
        return .page(.init(template: "workspace", title: "\(title) · BalanceOps", content: content))
    }

    private static func controls(_ query: RunTableQuery, _ texts: [String: String]) -> [String: Any] {
        let statuses = [RunStatus.running, .finished, .failed, .killed, .scheduled].map(\.rawValue)
        func options(_ values: [(String, String)], _ chosen: String) -> [[String: Any]] {
            values.map { ["value": $0.0, "label": $0.1, "selected": $0.0 == chosen] }
        }
        let sort = query.sort.map { ($0.isAscending ? "" : "-") + $0.column.code } ?? ""
        return [
            "q": query.text, "where": query.condition, "user": query.user, "sort": sort,
            "experiment": query.experimentID.map(String.init) ?? "", "is_deleted_view": query.isDeleted,
            "is_filtered": query.isFiltered, "cols": query.columns.map(\.code).joined(separator: ","),
            "statuses": options(
                [("", texts["any"] ?? "")] + statuses.map { ($0, texts["status_\($0)"] ?? $0) },
                query.status
            ),
            "status_value": query.status, "limit_value": query.limit, "stage_value": query.isDeleted ? "deleted" : "",
            "stages": options(
                [("", texts["active"] ?? ""), ("deleted", texts["deleted"] ?? "")],
                query.isDeleted ? "deleted" : ""
            ),
            "limits": options(RunTableQuery.limits.map { ("\($0)", "\($0)") }, "\(query.limit)"),
        ]
    }

    /// What was just done, and how it is taken back.
    private static func notice(_ request: Request) -> [String: Any] {
        let fields = FormFields(request.uri.query ?? "")
        for (name, undo) in [("deleted", "restore"), ("restored", "delete")] {
            let ids = (fields[name] ?? "").split(separator: ",").prefix(maximumRuns).map(String.init)
            if !ids.isEmpty { return ["notice_\(name)": ids.count, "undo": undo, "undo_ids": ids.map { ["id": $0] }] }
        }
        return fields["tagged"].map { ["notice_tagged": $0.prefix(10).description] } ?? [:]
    }

    private func names(of runs: [TrackedRun], _ query: RunTableQuery) async throws -> [Int: String] {
        var names: [Int: String] = [:]
        for id in Set(runs.map(\.experimentID) + [query.experimentID].compactMap { $0 }) {
            guard let name = try await sources.log.experiment(id)?.name, Visibility.shows(.experiment(name)) else {
                continue
            }
            names[id] = name
        }
        return names
    }

    // MARK: - Export

    /// The runs of the filter as CSV, all columns with all digits.
    func csv(_ request: Request) async throws -> PageRenderer.PageResult {
        var query = RunTableQuery(request)
        query.limit = 1000
        query.after = nil
        var runs: [TrackedRun] = []
        do {
            var search = try query.search()
            repeat {
                let page = try await sources.log.search(search)
                runs += page.items
                search.query.after = page.next
            } while search.query.after != nil && runs.count < Self.exported
        } catch let error as FilterError {
            throw error.failure(in: query.condition)
        }
        return .file(Self.file(RunExport.csv(runs.prefix(Self.exported).map { $0 }), name: "runs.csv"))
    }

    private static func file(_ text: String, name: String) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/csv; charset=utf-8", .contentDisposition: "attachment; filename=\"\(name)\"",
                .contentSecurityPolicy: "sandbox; default-src 'none'",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }

    // MARK: - Several runs at once

    func act(_ request: Request, _ context: AppContext) async throws -> PageRenderer.PageResult {
        try await context.require(.read, [.any])
        let form = try await PageForm(request, context)
        let ids = form.all("run").prefix(Self.maximumRuns).map { RunID(native: $0) }
        let back = Self.query(form["back"])
        guard !ids.isEmpty else { return .redirect("/runs\(back)") }
        let named = ids.map(\.stored).joined(separator: ",")
        if form["action"] == "compare" { return .redirect("/compare?runs=\(named)") }
        try await context.require(.write, ids.map { .run($0.stored) })
        let actor = try context.actor(otherwise: "dashboard")
        switch form["action"] {
        case "delete", "restore":
            let isDelete = form["action"] == "delete"
            for id in ids {
                try await sources.log.setStage(isDelete ? .deleted : .active, ofRun: id, by: actor, at: .now())
            }
            return .redirect("/runs\(back)\(back.isEmpty ? "?" : "&")\(isDelete ? "deleted" : "restored")=\(named)")
        case "tag":
            guard !form["key"].isEmpty else {
                throw Failure(.invalidParameter, "Missing name of the tag.", hint: "go back and enter one")
            }
            let tag = KeyValue(key: form["key"], value: form["value"])
            for id in ids { try await sources.log.log(LogBatch(tags: [tag]), to: id) }
            return .redirect("/runs\(back)\(back.isEmpty ? "?" : "&")tagged=\(ids.count)")
        default: throw Failure(.invalidParameter, "Unknown action.", hint: "open the list of runs again")
        }
    }

    /// A query of our own table; anything else counts as none.
    private static func query(_ text: String) -> String {
        let isQuery = text.hasPrefix("?") && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && text.utf8.count < 8000
        return isQuery && text != "?" ? text : ""
    }
}

/// Runs as a table for other programs.
enum RunExport {
    static func csv(_ runs: [TrackedRun]) -> String {
        let metrics = Set(runs.flatMap { $0.metrics.map(\.key) }).sorted()
        let params = Set(runs.flatMap { $0.params.map(\.key) }).sorted()
        let fixed = ["run_id", "name", "experiment_id", "status", "user", "start_time", "end_time"]
        let tags = Set(runs.flatMap { $0.tags.map(\.key) }.filter { !$0.hasPrefix("mlflow.") }).sorted()
        let named = metrics.map { "metrics.\($0)" } + params.map { "params.\($0)" } + tags.map { "tags.\($0)" }
        var lines = [fixed + named]
        for run in runs {
            let values = Dictionary(run.metrics.map { ($0.key, "\($0.value)") }) { $1 }
            let texts = Dictionary(run.params.map { ($0.key, $0.value) }) { $1 }
            let marks = Dictionary(run.tags.map { ($0.key, $0.value) }) { $1 }
            let own = [
                run.id.stored, run.name, "\(run.experimentID)", run.status.rawValue, run.userID, run.startedAt.iso8601,
                run.endedAt?.iso8601 ?? "",
            ]
            lines.append(
                own + metrics.map { values[$0] ?? "" } + params.map { texts[$0] ?? "" } + tags.map { marks[$0] ?? "" }
            )
        }
        return lines.map { $0.map(cell).joined(separator: ",") + "\r\n" }.joined()
    }

    /// As RFC 4180 quotes; a text that a spreadsheet would take for a formula is told apart by an apostrophe.
    private static func cell(_ text: String) -> String {
        let isFormula = text.first.map { "=+-@\t\r\r\n".contains($0) } == true && Double(text) == nil
        let safe = isFormula ? "'\(text)" : text
        guard safe.contains(where: { ",\"\r\n".contains($0) }) else { return safe }
        return "\"\(safe.replacing("\"", with: "\"\""))\""
    }
}
