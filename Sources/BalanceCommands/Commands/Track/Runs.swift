import ArgumentParser
import BalanceCore

/// `balanceops runs`.
struct Runs: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs",
        abstract: "Lists, shows, compares, deletes and restores runs.",
        subcommands: [RunsList.self, RunsShow.self, RunsCompare.self, RunsDelete.self, RunsRestore.self]
    )
    static let examples = RunsList.examples + RunsShow.examples + RunsCompare.examples
}

/// `balanceops runs list`.
struct RunsList: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists runs, newest first.",
        discussion: """
            The filter is the one of MLflow's search_runs: metrics.acc > 0.8 AND params.model = 'logistic'; also with OR,
            NOT and parentheses.
            """
    )
    static let examples = [
        "balanceops runs list",
        "balanceops runs list --filter \"metrics.bal_acc > 0.7\" --order-by \"metrics.bal_acc DESC\"",
    ]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Option(help: "Only runs of this experiment: its name or ID.") var experiment: String?
    @Option(help: "A filter.") var filter: String?
    @Option(help: "The order, such as \"metrics.acc DESC\"; can be repeated.") var orderBy: [String] = []
    @Option(help: "The maximum number of runs.") var limit = 20
    @Flag(help: "List deleted runs.") var deleted = false
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        if !(1...50_000).contains(limit) { throw ValidationError("--limit must be between 1 and 50000.") }
    }

    func run() async throws {
        let api = try await place.reading()
        var ids = try await Experiments.all(at: api)
        if let experiment { ids = [try await Experiments.id(of: experiment, at: api)] }
        var fields: [(String, JSONValue)] = [
            ("experiment_ids", .strings(ids)), ("run_view_type", deleted ? "DELETED_ONLY" : "ACTIVE_ONLY"),
            ("order_by", .strings(orderBy)),
        ]
        if let filter { fields.append(("filter", .string(filter))) }
        let runs = try await api.pages("/api/2.0/mlflow/runs/search", "runs", fields, limit: limit)
        if json { return Output.json(.array(runs)) }
        TextTable.lines([["run", "name", "status", "started", "metrics"]] + runs.map(Self.row)).forEach(Output.line)
        if runs.isEmpty { Output.note(filter == nil ? "no runs" : "no runs match the filter") }
    }

    private static func row(_ run: JSONValue) -> [String] {
        let info = run["info"]
        let metrics = run["data"]?["metrics"]?.elements ?? []
        let values = metrics.map { "\($0["key"]?.string ?? "") \(Plain.number($0["value"]))" }
        return [
            info?["run_id"]?.string ?? "", info?["run_name"]?.string ?? "", info?["status"]?.string ?? "",
            Plain.time(milliseconds: info?["start_time"]), values.joined(separator: ", "),
        ]
    }
}

/// `balanceops runs show`.
struct RunsShow: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows a run: its params, metrics, tags and files."
    )
    static let examples = ["balanceops runs show 4f1c2d…", "balanceops runs show latest --json"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Argument(help: "The run ID, or latest.") var run: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let api = try await place.reading()
        let run = try await RunView.get(run, at: api)
        if json { return Output.json(run) }
        let info = run["info"]
        let rows = [
            ["run", info?["run_id"]?.string ?? ""], ["name", info?["run_name"]?.string ?? ""],
            ["status", info?["status"]?.string ?? ""], ["experiment", info?["experiment_id"]?.string ?? ""],
            ["started", Plain.time(milliseconds: info?["start_time"])],
            ["ended", Plain.time(milliseconds: info?["end_time"])],
            ["stage", info?["lifecycle_stage"]?.string ?? ""],
        ]
        TextTable.lines(rows.filter { !$0[1].isEmpty }).forEach(Output.line)
        for part in ["params", "metrics", "tags"] {
            let values = RunView.values(run, part).filter { !$0.0.hasPrefix("mlflow.") }
            if values.isEmpty { continue }
            Output.line("\(part):")
            TextTable.lines(values.map { ["  \($0.0)", $0.1.oneLine] }).forEach(Output.line)
        }
        try await showFiles(of: run, at: api)
    }

    private func showFiles(of run: JSONValue, at api: any API) async throws {
        let id = run["info"]?["run_id"]?.string ?? ""
        let list = try await api.value("GET", "/api/2.0/mlflow/artifacts/list?run_id=\(id.percentEncoded)")
        let files = list["files"]?.elements ?? []
        if files.isEmpty { return }
        Output.line("artifacts:")
        let rows = files.map { file in
            let isFolder = file["is_dir"]?.boolean == true
            let path = file["path"]?.string ?? ""
            return ["  \(path)\(isFolder ? "/" : "")", isFolder ? "" : Plain.size(RunView.integer(file["file_size"]))]
        }
        TextTable.lines(rows).forEach(Output.line)
    }
}

/// `balanceops runs compare`.
struct RunsCompare: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compares runs side by side: what differs in their params and metrics."
    )
    static let examples = ["balanceops runs compare 4f1c2d… 9ab3e0…"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @Argument(help: "Two run IDs or more.") var runs: [String]
    @Flag(help: "Show equal values too.") var all = false
    @Flag(help: "Answer with JSON.") var json = false

    func validate() throws {
        if !(2...20).contains(runs.count) { throw ValidationError("Pass 2 to 20 run IDs.") }
    }

    func run() async throws {
        let api = try await place.reading()
        var found: [JSONValue] = []
        for run in runs { found.append(try await RunView.get(run, at: api)) }
        if json { return Output.json(.array(found)) }
        var rows = [["", ""] + found.map { $0["info"]?["run_name"]?.string ?? "" }]
        rows.append(["", "run"] + found.map { String($0["info"]?["run_id"]?.string?.prefix(12) ?? "") })
        for part in ["params", "metrics"] {
            let values = found.map { Dictionary(RunView.values($0, part)) { $1 } }
            for key in Set(values.flatMap(\.keys)).sorted() {
                let cells = values.map { $0[key] ?? "-" }
                if all || Set(cells).count > 1 { rows.append([part == "params" ? "param" : "metric", key] + cells) }
            }
        }
        TextTable.lines(rows).forEach(Output.line)
        if rows.count == 2 { Output.note("no params or metrics differ; --all shows equal values") }
    }
}

/// A run as MLflow's dialect has it.
enum RunView {
    static func get(_ run: String, at api: any API) async throws -> JSONValue {
        let id = run == "latest" ? try await api.value("GET", "/runs/latest")["run_id"]?.string ?? run : run
        do {
            let answer = try await api.value("GET", "/api/2.0/mlflow/runs/get?run_id=\(id.percentEncoded)")
            return answer["run"] ?? .null
        } catch var failure as Failure where failure.code == .resourceNotFound {
            failure.code = .runNotFound
            failure.hint = "balanceops runs list lists the runs"
            throw failure
        }
    }

    /// Its params, metrics or tags, as text.
    static func values(_ run: JSONValue, _ part: String) -> [(String, String)] {
        (run["data"]?[part]?.elements ?? []).map { pair in
            (pair["key"]?.string ?? "", pair["value"]?.string ?? Plain.number(pair["value"]))
        }
    }

    /// A 64-bit number, which MLflow may send as a text.
    static func integer(_ value: JSONValue?) -> Int { value?.integer ?? value?.string.flatMap { Int($0) } ?? 0 }
}

/// `balanceops runs delete`.
struct RunsDelete: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Deletes runs; they can be restored until purge."
    )
    static let examples = ["balanceops runs delete 4f1c2d…"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "The run IDs.") var runs: [String]
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let api = try await place.api(as: actorOptions)
        for run in runs { _ = try await api.value("DELETE", "/runs/\(run.percentEncoded)") }
        if json { return Output.json(.object([("ok", .bool(true)), ("run_ids", .strings(runs))])) }
        for run in runs { Output.ok("deleted \(run); balanceops runs restore \(run) brings it back") }
    }
}

/// `balanceops runs restore`.
struct RunsRestore: ExemplifiedCommand {
    static let configuration = CommandConfiguration(commandName: "restore", abstract: "Restores deleted runs.")
    static let examples = ["balanceops runs restore 4f1c2d…"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "The run IDs.") var runs: [String]
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let api = try await place.api(as: actorOptions)
        for run in runs { _ = try await api.value("POST", "/runs/\(run.percentEncoded)/restore") }
        if json { return Output.json(.object([("ok", .bool(true)), ("run_ids", .strings(runs))])) }
        for run in runs { Output.ok("restored \(run)") }
    }
}
