import BalanceService
import BalanceSystem
import ArgumentParser
import BalanceCore
import BalanceInference
import BalanceStore
import Foundation

/// `balanceops models`.
struct Models: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "Inspects model files, and lists and registers models.",
        subcommands: [ModelsList.self, ModelsInspect.self, ModelsImport.self, ModelsRefresh.self]
    )
    static let examples = ModelsInspect.examples + ModelsImport.examples + ModelsList.examples + ModelsRefresh.examples
}

/// `balanceops models inspect`.
struct ModelsInspect: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows the format, inputs and outputs of a model file, and whether it can be served.",
        discussion: "Exit status: 0 it can be served, 5 it cannot; the message names the unsupported part."
    )
    static let examples = ["balanceops models inspect model.pkl"]

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The model file, or a folder with an MLmodel file.") var file: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        Workspace.useOnnxRuntime(try await options.load())
        let place = try ModelPlace(file)
        let (bytes, digest) = try FileModelFiles(defaultPath: place.file).load(place.file)
        var model = try ModelFormats().predictor(from: bytes)
        model.predictor = try model.predictor.completed(names: place.columns, scoringMethod: place.scoringMethod)
        if json { return Output.json(Self.document(model, bytes.count, digest)) }
        Self.print(model, size: bytes.count, digest)
        Output.ok("it can be served")
    }

    private static func output(of predictor: any Predictor) -> String {
        if predictor.featureCount == 0 { return "tensors" }
        return predictor.classes.isEmpty ? "a value" : predictor.hasProbabilities ? "probabilities" : "a label"
    }

    private static func document(_ model: LoadedModel, _ size: Int, _ digest: String) -> JSONValue {
        let predictor = model.predictor
        return .object([
            ("format", .string(model.format)), ("model_type", .string(predictor.modelType)), ("size", .int(size)),
            ("sha256", .string(digest)), ("n_features", .int(predictor.featureCount)),
            ("feature_names", predictor.featureNames.map(JSONValue.strings) ?? .null),
            ("accepts_missing", .bool(predictor.acceptsMissing)), ("output", .string(output(of: predictor))),
            ("classes", .array(predictor.classes.indices.map(predictor.label))),
            ("steps", .strings(predictor.steps)), ("signature", predictor.signatureJSON),
        ])
    }

    private static func print(_ model: LoadedModel, size: Int, _ digest: String) {
        let predictor = model.predictor
        func row(_ name: String, _ text: String) {
            Output.line(name.padding(toLength: 12, withPad: " ", startingAt: 0) + text)
        }
        func tensors(_ specs: [TensorSpec]) -> String {
            specs.map { "\($0.name) \($0.type.rawValue) \($0.shape)" }.joined(separator: ", ")
        }
        row("format", model.format)
        row("model", predictor.modelType)
        if predictor.steps.count > 1 { row("steps", predictor.steps.joined(separator: " > ")) }
        row("size", "\(size) bytes, SHA-256 \(digest)")
        if predictor.featureCount > 0 {
            row(
                "takes",
                "\(predictor.featureCount) features" + (predictor.acceptsMissing ? ", missing values allowed" : "")
            )
        }
        if let names = predictor.featureNames { row("features", names.joined(separator: ", ")) }
        let classes = predictor.classes.isEmpty ? "" : " of \(predictor.classes.joined(separator: ", "))"
        row("gives", output(of: predictor) + classes)
        row("inputs", tensors(predictor.signature.inputs))
        row("outputs", tensors(predictor.signature.outputs))
    }
}

/// `balanceops models import`.
struct ModelsImport: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Registers a model file as a version.",
        discussion: "The file is stored as an artifact of a new run. With --current the version is promoted at once."
    )
    static let examples = ["balanceops models import model.ubj --name churn --current"]

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The model file, or a folder with an MLmodel file.") var file: String
    @Option(help: "The registered model; created if missing.") var name: String
    @Flag(help: "Promote the version if the policy allows it.") var current = false
    @Option(help: "The reason for the promotion.") var reason: String?
    @OptionGroup var actorOptions: ActorOptions
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        let place = try ModelPlace(file)
        _ = try ModelFormats().predictor(from: FileModelFiles(defaultPath: place.file).load(place.file).bytes)
        let version = try await register(in: workspace)
        if current {
            _ = try await workspace.promotions.requirePromotion(
                version.version,
                of: name,
                by: actorOptions.request(in: workspace, reason: reason ?? "")
            )
        }
        if json {
            return Output.json(
                .object([("name", .string(name)), ("version", .int(version.version)), ("current", .bool(current))])
            )
        }
        Output.ok("\(name) version \(version.version)\(current ? " serves" : "")")
    }

    private func register(in workspace: Workspace) async throws -> ModelVersion {
        let now = Timestamp.now()
        let id = RunID()
        let run = try await workspace.log.createRun(
            RunStart(id: id, experimentID: 0, name: "import of \(name)", userID: "", startedAt: now, tags: [])
        )
        let place = try ModelPlace(file)
        let path = place.isFolder ? "model" : "model/" + (file as NSString).lastPathComponent
        for (name, file) in place.files {
            let key = try ArtifactKey("0/\(id.stored)/artifacts/model/\(name)")
            let upload = try await workspace.artifactFiles.upload(to: key)
            try LocalFiles.send(file, to: upload)
            try await upload.commit()
        }
        _ = try await workspace.log.updateRun(run.id, RunUpdate(status: .finished, endedAt: .now(), name: nil))
        do {
            _ = try await workspace.models.createModel(
                RegisteredModel(name: name, description: nil, createdAt: now, updatedAt: now),
                by: actorOptions.actor(in: workspace)
            )
        } catch let failure as Failure where failure.code == .alreadyExists {}
        var version = ModelVersion(
            name: name,
            version: 0,
            createdAt: now,
            updatedAt: now,
            source: "runs:/\(id.stored)/\(path)",
            runID: id
        )
        version.author = try await actorOptions.actor(in: workspace).name
        let found = await workspace.versionFiles.inspect(version)
        version.problem = found.problem
        version.format = found.format
        version.digest = found.digest
        version.signature = found.signature
        return try await workspace.models.createVersion(version)
    }
}

/// Where the user's model is: a file, or a folder that MLflow wrote, with the file that its `MLmodel` names.
private struct ModelPlace {
    /// The file that holds the model.
    let file: String
    let isFolder: Bool
    /// The names of the features, where the `MLmodel` has some.
    let columns: [String]?
    /// How MLflow's `pyfunc` asks the model.
    let scoringMethod: ScoringMethod?
    /// All files that belong to it, by their names below it.
    let files: [(name: String, path: String)]

    init(_ path: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw Failure(
                .fileNotFound,
                "no such file: \(path)",
                hint: "pass a model file, or a folder with an MLmodel file"
            )
        }
        guard isDirectory.boolValue else {
            (file, isFolder, columns, scoringMethod) = (path, false, nil, nil)
            files = [((path as NSString).lastPathComponent, path)]
            return
        }
        guard let bytes = FileManager.default.contents(atPath: "\(path)/MLmodel") else {
            throw Failure(
                .modelNotReadable,
                "no MLmodel file in \(path)",
                hint: "pass the model file itself"
            )
        }
        let description = try ModelFormats().manifest(from: Array(bytes))
        let names = FileManager.default.subpaths(atPath: path) ?? []
        isFolder = true
        columns = description.columns
        scoringMethod = description.scoringMethod
        file = "\(path)/\(description.dataFile)"
        files = names.sorted().map { ($0, "\(path)/\($0)") }.filter { entry in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: entry.1, isDirectory: &isDirectory) && !isDirectory.boolValue
        }
    }
}
