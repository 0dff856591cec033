import ArgumentParser
import BalanceCore
import BalanceInference
import BalanceStore
import BalanceSystem
import Foundation

/// `balanceops models import`.
struct ModelsImport: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Registers a model file as a version.",
        discussion: "The file is stored as an artifact of a new run. With --current the version is promoted at once."
    )
    static let examples = ["balanceops models import model.ubj --name churn --current"]

    @OptionGroup(title: "Files or server") var place: PlaceOptions
    @OptionGroup(title: "Audit trail") var actorOptions: ActorOptions
    @Argument(help: "The model file, or a folder with an MLmodel file.") var file: String
    @Option(help: "The registered model; created if missing.") var name: String
    @Flag(help: "Promote the version if the policy allows it.") var current = false
    @Option(help: "The reason for the promotion.") var reason: String?
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        Workspace.useOnnxRuntime(try await place.options.load())
        let model = try ModelPlace(file)
        _ = try ModelFormats().predictor(from: FileModelFiles(defaultPath: model.file).load(model.file).bytes)
        let api = try await place.api(as: actorOptions)
        let version = try await Registration(api: api, user: actorOptions.name).register(model, from: file, as: name)
        if current {
            let body = JSONValue.object([
                ("version", .int(version)), ("reason", .string(reason ?? "imported with --current")),
                ("allow_any", .bool(true)),
            ])
            _ = try await api.value("POST", "/models/\(name.percentEncoded)/promote", body: body)
        }
        if json {
            let answer = [("name", JSONValue.string(name)), ("version", .int(version)), ("current", .bool(current))]
            return Output.json(.object(answer))
        }
        Output.ok("\(name) version \(version)\(current ? " serves" : "")")
    }
}

/// Registers files of this machine as a version, as MLflow's client does: a run, its artifacts, a version.
struct Registration {
    let api: any API
    /// Who makes the runs, where the server has no accounts.
    var user = ""

    private static let base = "/api/2.0/mlflow"

    /// - Returns: The number of the version.
    func register(_ model: ModelPlace, from file: String, as name: String) async throws -> Int {
        let run = try await start("import of \(name)")
        for (part, path) in model.files {
            try await upload(path, to: "\(run.artifacts)/model/\(part)")
        }
        try await finish(run.id)
        do {
            _ = try await post("registered-models/create", [("name", .string(name))])
        } catch let failure as Failure where failure.code == .alreadyExists {}
        let path = model.isFolder ? "model" : "model/" + (file as NSString).lastPathComponent
        let version = try await post(
            "model-versions/create",
            [("name", .string(name)), ("run_id", .string(run.id)), ("source", .string("runs:/\(run.id)/\(path)"))]
        )
        return version["model_version"]?["version"]?.string.flatMap { Int($0) } ?? 0
    }

    /// Begins a run in the default experiment.
    private func start(_ name: String) async throws -> (id: String, artifacts: String) {
        let made = try await post(
            "runs/create",
            [
                ("experiment_id", "0"), ("run_name", .string(name)), ("user_id", .string(user)),
                ("start_time", .int(Timestamp.now().milliseconds)),
            ]
        )
        let info = made["run"]?["info"]
        guard let id = info?["run_id"]?.string, let uri = info?["artifact_uri"]?.string,
            let path = uri.dropPrefix("mlflow-artifacts:/")
        else {
            throw Failure(.unavailable, "the server keeps artifacts elsewhere", hint: "use MLflow's client")
        }
        return (id, path.split(separator: "/").joined(separator: "/"))
    }

    /// Stores a file as an artifact.
    func upload(_ file: String, to path: String) async throws {
        let encoded = path.split(separator: "/").map { String($0).percentEncoded }.joined(separator: "/")
        var request = APIRequest("PUT", "/api/2.0/mlflow-artifacts/artifacts/\(encoded)")
        request.body = .file(file)
        _ = try await api.value(request)
    }

    private func finish(_ run: String) async throws {
        let end = JSONValue.int(Timestamp.now().milliseconds)
        _ = try await post("runs/update", [("run_id", .string(run)), ("status", "FINISHED"), ("end_time", end)])
    }

    func post(_ path: String, _ fields: [(String, JSONValue)]) async throws -> JSONValue {
        try await api.value("POST", "\(Self.base)/\(path)", body: .object(fields))
    }
}
