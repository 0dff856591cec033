import BalanceCore
import BalanceSystem

/// What the first tab of a run's page shows.
struct RunOverview {
    struct Value {
        var key: String
        var value: String
        /// With all digits, where the value shows fewer.
        var full: String?
    }

    struct Input {
        var name: String
        var digest: String
        var context: String?
        var source: String?
        var rows: String?
    }

    struct Model {
        var name: String
        var version: Int
        var link: String
    }

    var name: String
    var status: String
    var state: String
    var user: String?
    var duration: String?
    var note: String?
    var noteHTML: String?
    var tags: [Value]
    var metrics: [Value]
    var params: [Value]
    var inputs: [Input]
    var versions: [Model]
    var source: String?
    var curves: String?
    /// How a program gets this run.
    var snippet: String

    init(_ run: TrackedRun, versions: [ModelVersion], base: String, _ texts: [String: String]) {
        name = run.name
        status = texts["status_\(run.status.rawValue)"] ?? run.status.rawValue
        state = run.status.rawValue.lowercased()
        user = run.userID.isEmpty ? nil : run.userID
        let took = RunTimes.duration(of: run, now: .now())
        duration = took.isEmpty ? nil : took
        note = run.tags.first { $0.key == noteTag }?.value
        let files = "\(base)/raw/\(run.id.native.percentEncoded)/"
        noteHTML = note.map { Markdown.html(String($0.prefix(100_000))) { "\(files)\($0.percentEncodedPath)" } }
        tags = run.tags.filter { !$0.key.hasPrefix("mlflow.") }.map { Value(key: $0.key, value: $0.value) }
        metrics = run.metrics.prefix(Self.rows).map {
            Value(key: $0.key, value: NumberText.short($0.value), full: "\($0.value)")
        }
        params = run.params.prefix(Self.rows).map { Value(key: $0.key, value: $0.value) }
        inputs = run.inputs.map { input in
            let rows = input.profile.flatMap { try? JSONValue(parsing: $0) }?["num_rows"]?.integer
            return Input(
                name: input.name,
                digest: input.digest,
                context: input.tags.first { $0.key == "mlflow.data.context" }?.value,
                source: input.source.isEmpty ? nil : String(input.source.prefix(200)),
                rows: rows.map(String.init)
            )
        }
        self.versions = versions.map {
            Model(name: $0.name, version: $0.version, link: "\($0.name.percentEncoded)/versions/\($0.version)")
        }
        source = run.tags.first { $0.key == "mlflow.source.name" }?.value
        let keys = run.metrics.map(\.key)
        let own = [(id: run.id, name: run.name, isRunning: run.status == .running)]
        curves = keys.isEmpty ? nil : CurvesModel.json(own, keys: keys, base: base, texts)
        snippet = """
            import mlflow

            run = mlflow.get_run("\(run.id.stored)")
            print(run.data.metrics, run.data.params)
            """
    }

    /// Rows of a table; the tabs have all.
    private static let rows = 200
}
