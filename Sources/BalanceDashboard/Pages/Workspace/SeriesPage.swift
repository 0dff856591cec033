import BalanceCore
import BalanceNet
import Hummingbird

/// `/api/series`: histories of metrics, thinned for the curves of the pages.
struct SeriesPage: Sendable {
    let sources: DashboardSources

    private static let maximumRuns = 50, maximumKeys = 20
    private static let columns = 50...4000

    /// The runs that a request names.
    @Sendable static func objects(_ request: Request, _ context: AppContext) -> [ObjectReference] {
        FormFields(request.uri.query ?? "").pairs.filter { $0.name == "run" }.prefix(maximumRuns).map { .run($0.value) }
    }

    func answer(_ request: Request) async throws -> PageRenderer.PageResult {
        let fields = FormFields(request.uri.query ?? "")
        let runs = fields.pairs.filter { $0.name == "run" }.map { RunID(native: $0.value) }
        let keys = fields.pairs.filter { $0.name == "key" }.map(\.value)
        guard (1...Self.maximumRuns).contains(runs.count), (1...Self.maximumKeys).contains(keys.count) else {
            throw Failure(
                .invalidParameter,
                "Expected 1 to \(Self.maximumRuns) runs and 1 to \(Self.maximumKeys) keys.",
                hint: "send run=ID and key=NAME"
            )
        }
        guard let axis = SeriesView.Axis(rawValue: fields["x"] ?? "step") else {
            throw Failure(.invalidParameter, "invalid x", hint: "use step or time")
        }
        let ends = (fields["from"].flatMap { Int($0) }, fields["to"].flatMap { Int($0) })
        var range: ClosedRange<Int>?
        if let from = ends.0, let to = ends.1, from <= to { range = from...to }
        let columns =
            Int(fields["px"] ?? "").map { min(max($0, Self.columns.lowerBound), Self.columns.upperBound) } ?? 600
        let view = SeriesView(axis: axis, range: range, columns: columns)
        var series: [JSONValue] = []
        for run in runs {
            let before = series.count
            for key in keys {
                let found = try await sources.log.series(of: key, run: run, view)
                if found.count > 0 { series.append(found.json(run: run, key: key)) }
            }
            // Only where nothing was found can the run be one that does not exist.
            if series.count == before { _ = try await sources.log.trackedRun(run) }
        }
        return .json(.object([("x", .string(axis.rawValue)), ("series", .array(series))]))
    }
}

/// What the script of curves is told.
struct CurvesModel {
    /// More metrics than these have no chart until they are looked for.
    private static let maximumKeys = 500

    static func json(
        _ runs: [(id: RunID, name: String, isRunning: Bool)],
        keys: [String],
        base: String,
        _ texts: [String: String]
    ) -> String {
        let words = texts.filter { $0.key.hasPrefix("curves_") }.map {
            (String($0.key.dropFirst(7)), JSONValue.string($0.value))
        }
        return JSONValue.object([
            ("endpoint", .string("\(base)/api/series")),
            (
                "runs",
                .array(
                    runs.enumerated().map { index, run in
                        .object([
                            ("id", .string(run.id.stored)), ("name", .string(run.name)), ("slot", .int(index)),
                            ("running", .bool(run.isRunning)),
                        ])
                    }
                )
            ),
            ("keys", .strings(Array(keys.prefix(maximumKeys)))),
            ("texts", .object(words.sorted { $0.0 < $1.0 })),
        ]).text()
    }
}
