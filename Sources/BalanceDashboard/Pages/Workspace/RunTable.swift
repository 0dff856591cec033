import BalanceCore
import BalanceSystem
import Foundation

/// The table of runs as its template shows it.
struct RunTable {
    struct Head {
        var title: String
        /// Where a click leads that sorts by it; nil where nothing sorts by it.
        var link: String?
        /// `ascending`, `descending`, or nil.
        var sorted: String?
        var isNumber: Bool
        /// The prefix that several columns share, as in `val/loss`.
        var group: String?
        var code: String
    }

    struct Cell {
        var text: String
        /// The whole text, where the cell shows a part.
        var full: String?
        var isNumber: Bool
        var isMissing: Bool
        var tag: String?
        var iso: String?
    }

    struct Row {
        var id: String
        var link: String
        var name: String
        var shortID: String
        var slot: Int
        var isNested: Bool
        var cells: [Cell]
    }

    struct Choice {
        var code: String
        var label: String
        var isChosen: Bool
    }

    var heads: [Head]
    var rows: [Row]
    var metricChoices: [Choice]
    var paramChoices: [Choice]
    var tagChoices: [Choice]
    var attributeChoices: [Choice]

    private static let attributes: [RunColumn.Attribute] = [.status, .created, .duration, .user]
    /// Columns that are shown without being asked for.
    private static let metricsShown = 6, paramsShown = 4
    /// Names that are offered to choose from.
    private static let choicesShown = 300

    init(
        _ runs: [TrackedRun],
        _ query: RunTableQuery,
        experiments: [Int: String],
        _ texts: [String: String],
        _ times: TimeDisplay
    ) {
        let columns = query.columns.isEmpty ? Self.standard(runs, query) : query.columns
        heads = columns.map { Self.head($0, query, texts) }
        let now = Timestamp.now()
        rows = runs.enumerated().map { index, run in
            Row(
                id: run.id.stored,
                link: run.id.native.percentEncoded,
                name: run.name,
                shortID: run.id.short,
                slot: index % 8,
                isNested: run.tags.contains { $0.key == parentRunTag },
                cells: columns.map { Self.cell($0, of: run, experiments, texts, times, now) }
            )
        }
        let chosen = Set(columns)
        func choices(_ keys: Set<String>, _ make: (String) -> RunColumn) -> [Choice] {
            keys.sorted().prefix(Self.choicesShown).map { key in
                let column = make(key)
                return Choice(code: column.code, label: key, isChosen: chosen.contains(column))
            }
        }
        metricChoices = choices(Set(runs.flatMap { $0.metrics.map(\.key) })) { .metric($0) }
        paramChoices = choices(Set(runs.flatMap { $0.params.map(\.key) })) { .param($0) }
        tagChoices = choices(Set(runs.flatMap { $0.tags.map(\.key) }.filter { !$0.hasPrefix("mlflow.") })) { .tag($0) }
        attributeChoices = RunColumn.Attribute.allCases.map { attribute in
            let column = RunColumn.attribute(attribute)
            return Choice(code: column.code, label: column.title(texts), isChosen: chosen.contains(column))
        }
    }

    /// What most runs have, and what tells them apart.
    private static func standard(_ runs: [TrackedRun], _ query: RunTableQuery) -> [RunColumn] {
        var counts: [String: Int] = [:]
        for metric in runs.flatMap(\.metrics) where !metric.key.hasPrefix("system/") {
            counts[metric.key, default: 0] += 1
        }
        let metrics = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(metricsShown).map(\.key)
        var values: [String: Set<String>] = [:]
        var present: [String: Int] = [:]
        for param in runs.flatMap(\.params) {
            values[param.key, default: []].insert(param.value)
            present[param.key, default: 0] += 1
        }
        let varying = values.filter { key, found in found.count > 1 || present[key] != runs.count && runs.count > 1 }
        let params = varying.keys.sorted { (present[$1] ?? 0, $0) < (present[$0] ?? 0, $1) }.prefix(paramsShown)
        var columns = attributes.map(RunColumn.attribute)
        if query.experimentID == nil { columns.append(.attribute(.experiment)) }
        columns += metrics.map(RunColumn.metric) + params.map(RunColumn.param)
        if let sorted = query.sort?.column, !columns.contains(sorted) { columns.append(sorted) }
        return columns
    }

    private static func head(_ column: RunColumn, _ query: RunTableQuery, _ texts: [String: String]) -> Head {
        let isSorted = query.sort?.column == column
        let isAscending = query.sort?.isAscending ?? false
        // Numbers are first asked for from the best end, which for most is the highest.
        let next =
            isSorted
            ? (isAscending ? "-\(column.code)" : column.code) : column.isNumber ? "-\(column.code)" : column.code
        let title = column.title(texts)
        let slash = column.isNumber ? title.lastIndex(of: "/") : nil
        return Head(
            title: slash.map { String(title[title.index(after: $0)...]) } ?? title,
            link: column.identifier == nil ? nil : query.link([("sort", next), ("after", nil)]),
            sorted: isSorted ? (isAscending ? "ascending" : "descending") : nil,
            isNumber: column.isNumber,
            group: slash.map { String(title[..<$0]) },
            code: column.code
        )
    }

    private static func cell(
        _ column: RunColumn,
        of run: TrackedRun,
        _ experiments: [Int: String],
        _ texts: [String: String],
        _ times: TimeDisplay,
        _ now: Timestamp
    ) -> Cell {
        func text(_ text: String?) -> Cell {
            let text = text ?? ""
            let isLong = text.count > 60
            return Cell(
                text: text.isEmpty ? "–" : isLong ? "\(text.prefix(60))…" : text,
                full: isLong ? String(text.prefix(500)) : nil,
                isNumber: false,
                isMissing: text.isEmpty
            )
        }
        switch column {
        case .attribute(.status):
            var cell = text(texts["status_\(run.status.rawValue)"] ?? run.status.rawValue)
            cell.tag = run.status.rawValue.lowercased()
            return cell
        case .attribute(.created):
            let time = times.cell(run.startedAt.iso8601)
            var cell = text(time.text)
            cell.iso = time.iso
            return cell
        case .attribute(.duration):
            var cell = text(RunTimes.duration(of: run, now: now))
            cell.isNumber = true
            return cell
        case .attribute(.user): return text(run.userID)
        case .attribute(.experiment): return text(experiments[run.experimentID] ?? String(run.experimentID))
        case .attribute(.kind): return text(run.tags.first { $0.key == "mlflow.source.type" }?.value)
        case .attribute(.branch): return text(run.tags.first { $0.key == "mlflow.source.git.branch" }?.value)
        case .attribute(.note): return text(run.tags.first { $0.key == noteTag }?.value)
        case .metric(let key):
            let value = run.metrics.first { $0.key == key }?.value
            return Cell(
                text: value.map(NumberText.short) ?? "–",
                full: value.map { "\($0)" },
                isNumber: true,
                isMissing: value == nil
            )
        case .param(let key): return text(run.params.first { $0.key == key }?.value)
        case .tag(let key): return text(run.tags.first { $0.key == key }?.value)
        }
    }
}

/// How long runs took.
enum RunTimes {
    static func duration(of run: TrackedRun, now: Timestamp) -> String {
        let end = run.endedAt ?? (run.status == .running ? now : nil)
        guard let end, end >= run.startedAt else { return "" }
        let milliseconds = end.milliseconds - run.startedAt.milliseconds
        if milliseconds < 1000 { return "\(milliseconds) ms" }
        let seconds = milliseconds / 1000
        if seconds < 60 { return String(format: "%.1f s", Double(milliseconds) / 1000) }
        if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
        return seconds < 86_400
            ? "\(seconds / 3600) h \(seconds / 60 % 60) min" : "\(seconds / 86_400) d \(seconds / 3600 % 24) h"
    }
}

/// The tag in which clients keep a note.
let noteTag = "mlflow.note.content"
