import BalanceCore
import BalanceNet
import Hummingbird

extension Dashboard {
    /// The table of runs, the comparison, and the curves of both.
    var workspacePages: [Endpoint] {
        let html = "text/html"
        let table = RunTablePage(sources: sources, renderer: renderer)
        let compare = ComparePage(sources: sources, renderer: renderer)
        let series = SeriesPage(sources: sources)
        let edit = RunEdit(sources: sources)
        let live = LiveEvents(sources: sources)
        let raw = RawFile(sources: sources)
        return [
            page(.init("GET", "\(base)/runs", "The table of runs.", contentType: html), on: .any) { request, _ in
                try await table.show(request)
            },
            page(
                .init(
                    "GET",
                    "\(base)/runs.csv",
                    "The runs of a filter as CSV.",
                    contentType: "text/csv",
                    dialect: .page,
                    failures: [.invalidParameter]
                ),
                on: .any
            ) { request, _ in try await table.csv(request) },
            page(
                .init(
                    "POST",
                    "\(base)/runs/act",
                    "Compares, deletes, restores or tags several runs.",
                    form: ["run", "action"],
                    contentType: html,
                    success: [303],
                    failures: [.resourceNotFound, .invalidParameter]
                ),
                on: .handler
            ) { try await table.act($0, $1) },
            page(
                .init(
                    "POST",
                    "\(base)/runs/{run_id}/edit",
                    "Renames a run, or changes its note or tags.",
                    form: ["action"],
                    contentType: html,
                    success: [303],
                    failures: [.resourceNotFound, .invalidParameter]
                ),
                .write
            ) { try await edit.act($0, $1) },
            page(
                .init(
                    "GET",
                    "\(base)/raw/{run_id}/{path}",
                    "A run's file to be shown inside a page.",
                    contentType: "application/octet-stream",
                    dialect: .page,
                    failures: [.runNotFound, .fileNotFound, .invalidParameter]
                )
            ) { request, context in
                let path = context.rest()
                return try await raw.answer(request, id: context.parameters.require("run_id"), path: path)
            },
            page(
                .init(
                    "GET",
                    "\(base)/compare",
                    "Runs side by side.",
                    parameters: [.init("runs", in: .query, [("type", "string")])],
                    contentType: html,
                    failures: [.resourceNotFound]
                ),
                on: .these(ComparePage.objects)
            ) { request, _ in try await compare.show(request) },
            page(
                .init(
                    "GET",
                    "\(base)/api/events",
                    "Tells a page that what it shows has changed, as server-sent events.",
                    parameters: [.init("run", in: .query, [("type", "string")])],
                    contentType: "text/event-stream",
                    dialect: .page,
                    failures: [.resourceNotFound, .invalidParameter]
                ),
                on: .these(LiveEvents.objects)
            ) { request, _ in try await live.answer(request) },
            page(
                .init(
                    "GET",
                    "\(base)/api/series",
                    "Histories of metrics, thinned for the curves of the pages.",
                    parameters: [
                        .init("run", in: .query, [("type", "string")]), .init("key", in: .query, [("type", "string")]),
                        .init("x", in: .query, [("type", "string"), ("enum", .strings(["step", "time"]))]),
                        .init("px", in: .query, [("type", "integer")]),
                    ],
                    answer: "Series",
                    dialect: .page,
                    failures: [.resourceNotFound, .invalidParameter]
                ),
                on: .these(SeriesPage.objects)
            ) { request, _ in try await series.answer(request) },
        ]
    }
}
