import BalanceCore
import BalanceNet
import BalanceSystem
import Hummingbird

/// `/compare`: runs side by side, what differs between them first.
struct ComparePage: Sendable {
    let sources: DashboardSources
    let renderer: PageRenderer

    private static let maximumRuns = 100

    @Sendable static func objects(_ request: Request, _ context: AppContext) -> [ObjectReference] {
        let ids = ids(request)
        return ids.isEmpty ? [.any] : ids.map { .run($0.stored) }
    }

    private static func ids(_ request: Request) -> [RunID] {
        let pairs = FormFields(request.uri.query ?? "").pairs
        let named = pairs.filter { ["runs", "run"].contains($0.name) }.flatMap { $0.value.split(separator: ",") }
        var seen: Set<RunID> = []
        return named.map { RunID(native: String($0)) }.filter { seen.insert($0).inserted }.prefix(maximumRuns).map {
            $0
        }
    }

    struct Column {
        var name: String
        var link: String
        var slot: Int
        var isBase: Bool
        /// Where the others are compared with this run.
        var asBase: String
    }

    struct Cell {
        var text: String
        /// The difference from the base run, with its sign.
        var delta: String?
        var isMissing: Bool
        var isDifferent: Bool
    }

    struct Row {
        var key: String
        var cells: [Cell]
        var isNumber: Bool
    }

    struct Section {
        var title: String
        var rows: [Row]
        /// How many rows are left out because they are equal; nil where none is.
        var equal: Int?
    }

    func show(_ request: Request) async throws -> PageRenderer.PageResult {
        let preferences = Preferences(request)
        let texts = preferences.language.texts
        let fields = FormFields(request.uri.query ?? "")
        let ids = Self.ids(request)
        var runs: [TrackedRun] = []
        for id in ids { runs.append(try await sources.log.trackedRun(id)) }
        let showsAll = fields["all"] == "1"
        let base = runs.firstIndex { $0.id.stored == fields["base"] } ?? 0
        let sections = Self.sections(runs, base: base, showsAll: showsAll, texts, TimeDisplay(zone: preferences.zone))
        let keys = Set(runs.flatMap { $0.metrics.map(\.key) }).sorted()
        let curves = runs.map { (id: $0.id, name: $0.name, isRunning: $0.status == .running) }
        let kept = fields["base"].map { "&base=\($0.percentEncoded)" } ?? ""
        let content: [String: Any] = [
            "kept_base": kept, "columns": Self.columns(runs, base: base, showsAll), "sections": sections,
            "has_runs": runs.count > 1,
            "shows_all": showsAll, "run_count": runs.count,
            "ids": ids.map(\.stored).joined(separator: ","),
            "curves": CurvesModel.json(curves, keys: keys, base: renderer.base, texts),
            "plots": plots(runs, texts), "has_metrics": !keys.isEmpty,
        ]
        return .page(.init(template: "compare", title: "\(texts["compare_runs"] ?? "") · BalanceOps", content: content))
    }

    private static func columns(_ runs: [TrackedRun], base: Int, _ showsAll: Bool) -> [Column] {
        let all = showsAll ? "&all=1" : ""
        let ids = runs.map(\.id.stored)
        return runs.enumerated().map { index, run in
            Column(
                name: run.name,
                link: run.id.native.percentEncoded,
                slot: index % 8,
                isBase: index == base,
                asBase: "?runs=\(ids.joined(separator: ","))&base=\(run.id.stored)\(all)"
            )
        }
    }

    private static func sections(
        _ runs: [TrackedRun],
        base: Int,
        showsAll: Bool,
        _ texts: [String: String],
        _ times: TimeDisplay
    ) -> [Section] {
        let now = Timestamp.now()
        let facts: [[(String, String)]] = runs.map { run in
            [
                (texts["column_status"] ?? "", texts["status_\(run.status.rawValue)"] ?? run.status.rawValue),
                (texts["column_user"] ?? "", run.userID),
                (texts["column_created"] ?? "", times.cell(run.startedAt.iso8601).text),
                (texts["column_duration"] ?? "", RunTimes.duration(of: run, now: now)),
            ]
        }
        let data = runs.map { run in run.inputs.map { ($0.name, $0.digest) } }
        let parts: [(String, [[(String, String)]])] = [
            (texts["params"] ?? "", runs.map { $0.params.map { ($0.key, $0.value) } }),
            (
                texts["tags"] ?? "",
                runs.map { $0.tags.filter { !$0.key.hasPrefix("mlflow.") }.map { ($0.key, $0.value) } }
            ),
            (texts["datasets"] ?? "", data), (texts["run"] ?? "", facts),
        ]
        let metrics = section(texts["metrics"] ?? "", metrics: runs, base: base, showsAll: showsAll)
        return ([metrics] + parts.map { section($0.0, $0.1, showsAll: showsAll) }).filter {
            !$0.rows.isEmpty || $0.equal != nil
        }
    }

    private static func section(_ title: String, metrics runs: [TrackedRun], base: Int, showsAll: Bool) -> Section {
        let values = runs.map { Dictionary($0.metrics.map { ($0.key, $0.value) }) { $1 } }
        let keys = Set(values.flatMap(\.keys)).sorted()
        let rows = keys.map { key -> Row in
            let found = values.map { $0[key] }
            let differs = Set(found.map { $0.map { "\($0)" } ?? "" }).count > 1
            let own = found.indices.contains(base) ? found[base] : nil
            let cells = found.enumerated().map { index, value -> Cell in
                var delta: String?
                if let value, let own, index != base, value.isFinite, own.isFinite, value != own {
                    let text = NumberText.short(abs(value - own))
                    delta = (value < own ? "−" : "+") + text
                }
                return Cell(
                    text: value.map(NumberText.short) ?? "–",
                    delta: delta,
                    isMissing: value == nil,
                    isDifferent: differs
                )
            }
            return Row(key: key, cells: cells, isNumber: true)
        }
        return kept(title, rows, showsAll)
    }

    private static func section(_ title: String, _ pairs: [[(String, String)]], showsAll: Bool) -> Section {
        let values = pairs.map { Dictionary($0) { $1 } }
        var seen: Set<String> = []
        let keys = pairs.flatMap { $0.map(\.0) }.filter { seen.insert($0).inserted }
        let rows = keys.map { key -> Row in
            let found = values.map { $0[key] }
            let differs = Set(found).count > 1
            let cells = found.map { value in
                Cell(
                    text: value.map { String($0.prefix(300)) } ?? "–",
                    delta: nil,
                    isMissing: value == nil,
                    isDifferent: differs
                )
            }
            return Row(key: key, cells: cells, isNumber: false)
        }
        return kept(title, rows, showsAll)
    }

    private static func kept(_ title: String, _ rows: [Row], _ showsAll: Bool) -> Section {
        let different = rows.filter { $0.cells.contains(where: \.isDifferent) }
        let equal = showsAll ? 0 : rows.count - different.count
        return Section(title: title, rows: showsAll ? rows : different, equal: equal > 0 ? equal : nil)
    }

    /// What the script of plots is told.
    private func plots(_ runs: [TrackedRun], _ texts: [String: String]) -> String {
        let words = texts.filter { $0.key.hasPrefix("plots_") }.map {
            (String($0.key.dropFirst(6)), JSONValue.string($0.value))
        }
        let rows = runs.enumerated().map { index, run in
            JSONValue.object([
                ("id", .string(run.id.stored)), ("name", .string(run.name)), ("slot", .int(index)),
                ("link", .string("\(renderer.base)/runs/\(run.id.native.percentEncoded)")),
                ("params", .object(run.params.map { ($0.key, .string(String($0.value.prefix(200)))) })),
                ("metrics", .object(run.metrics.map { ($0.key, $0.value.isFinite ? .double($0.value) : .null) })),
            ])
        }
        return JSONValue.object([("runs", .array(rows)), ("texts", .object(words.sorted { $0.0 < $1.0 }))]).text()
    }
}
