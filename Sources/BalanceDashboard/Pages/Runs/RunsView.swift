import BalanceCore

/// Turns values into what the template of the overview names.
enum RunsView {
    static func filter(_ filter: RunsFilter, kinds: [String], _ texts: [String: String]) -> [String: Any] {
        let any = texts["any"] ?? ""
        let gitStates = [("", any), ("clean", texts["clean"] ?? ""), ("dirty", texts["dirty"] ?? "")]
        return [
            "search": filter.search, "where": filter.condition,
            "experiment": filter.experimentID.map(String.init) ?? "",
            "views": options(
                [("", texts["active"] ?? ""), ("deleted", texts["deleted"] ?? "")],
                chosen: filter.isDeleted ? "deleted" : ""
            ),
            "kinds": options([("", any)] + kinds.map { ($0, $0) }, chosen: filter.kind),
            "git_states": options(gitStates, chosen: filter.git),
            "limits": options(RunsFilter.limits.map { ("\($0)", "\($0)") }, chosen: "\(filter.limit)"),
            "point_counts": options(RunsFilter.pointCounts.map { ("\($0)", "\($0)") }, chosen: "\(filter.points)"),
            "includes_metrics": filter.includesMetrics,
            "drops_missing": filter.dropsMissing,
            "is_filtered": filter.isActive,
        ]
    }

    static func model(_ model: CurrentModel?, _ times: TimeDisplay) -> [String: Any] {
        guard let model else { return ["has_model": false] }
        let time = times.cell(model.createdAt)
        let run = model.runID?.native ?? ""
        return [
            "has_model": true, "model_name": model.name, "model_version": model.version, "model_path": model.path,
            "model_run": run, "model_run_link": run.percentEncoded, "model_time": time.text, "model_iso": time.iso,
            "model_metrics": metrics(model.metrics),
        ]
    }

    static func server(_ answer: Result<JSONValue, Failure>) -> [String: Any] {
        switch answer {
        case .success(let version):
            let commit = version["git"]?["commit"]?.string ?? ""
            return [
                "server_up": true, "server_version": version["package"]?["version"]?.string ?? "?",
                "server_commit": String(commit.prefix(8)), "server_branch": version["git"]?["branch"]?.string ?? "",
                "server_dirty": version["git"]?["dirty"]?.boolean ?? false,
                "server_model": version["model_type"]?.string ?? "–",
                "server_features": version["expected_n_features"]?.integer.map(String.init) ?? "–",
                "server_error": version["model_error"]?.string ?? "",
            ]
        case .failure(let failure):
            return ["server_up": false, "server_message": failure.message]
        }
    }

    static func rows(_ runs: [RunSummary], _ filter: RunsFilter, _ times: TimeDisplay) -> [String: Any] {
        let rows = runs.map { run -> [String: Any] in
            let time = times.cell(run.createdAt)
            return [
                "id": run.id.native, "link": run.id.native.percentEncoded, "name": run.title,
                "time": time.text, "iso": time.iso, "kind": run.kind ?? "", "note": run.note ?? "",
                "status": run.status.rawValue, "is_finished": run.status == .finished,
                "branch": run.git.branch ?? "", "commit": String((run.git.commit ?? "").prefix(8)),
                "dirty": run.git.dirty ?? false, "metrics": filter.includesMetrics ? metrics(run.metrics) : [],
                "more_metrics": run.metrics.count > shownMetrics ? "\(run.metrics.count - shownMetrics)" : "",
            ].withoutEmptyTexts
        }
        return ["rows": rows, "has_rows": !rows.isEmpty, "row_count": rows.count]
    }

    static func trend(_ runs: [RunSummary], _ filter: RunsFilter, _ times: TimeDisplay) -> [String: Any] {
        let keys = runs.reduce(into: Set()) { $0.formUnion($1.metrics.map(\.key)) }.sorted()
        let known = Set(keys)
        let named = filter.metrics.filter(known.contains)
        let chosen = named.isEmpty ? Array(keys.prefix(3)) : named
        let trend = MetricTrend(
            newestFirst: runs,
            metrics: chosen,
            points: filter.points,
            dropsMissing: filter.dropsMissing
        )
        let table = trend.runs.indices.reversed().map { index -> [String: Any] in
            let run = trend.runs[index]
            let time = times.cell(run.createdAt)
            return [
                "name": run.title, "link": run.id.native.percentEncoded, "time": time.text,
                "iso": time.iso, "values": trend.series.map { $0.values[index].map(NumberText.metric) ?? "–" },
            ]
        }
        return [
            "has_trend": !trend.runs.isEmpty && !chosen.isEmpty,
            "trend_metrics": options(
                (chosen + keys.filter { !chosen.contains($0) }.prefix(shownChoices)).sorted().map { ($0, $0) },
                chosen: chosen
            ),
            "more_choices": keys.count > shownChoices + chosen.count ? [["count": keys.count]] : [],
            "trend_names": chosen.enumerated().map { ["name": $1, "class": "s\($0 % 8)"] },
            "trend_json": trend.json(times),
            "trend_lines": trend.lines.map { ["class": $0.className, "points": $0.points] },
            "trend_rows": table,
        ]
    }

    /// How many metrics a row shows, and how many there are to choose from: a page must not grow with what a run logs.
    private static let shownMetrics = 20
    private static let shownChoices = 100

    private static func metrics(_ metrics: [Metric]) -> [[String: Any]] {
        metrics.prefix(shownMetrics).map { ["key": $0.key, "value": NumberText.metric($0.value)] }
    }

    private static func options(_ values: [(String, String)], chosen: String) -> [[String: Any]] {
        options(values, chosen: [chosen])
    }

    private static func options(_ values: [(String, String)], chosen: [String]) -> [[String: Any]] {
        values.map { ["value": $0.0, "label": $0.1, "selected": chosen.contains($0.0)] }
    }
}
