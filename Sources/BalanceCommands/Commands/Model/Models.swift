import ArgumentParser
import BalanceCore
import BalanceInference
import BalanceStore
import Foundation

/// `balanceops models`.
struct Models: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "Looks at model files, and registers them.",
        subcommands: [ModelsInspect.self, ModelsImport.self]
    )
    static let examples = ModelsInspect.examples + ModelsImport.examples
}

/// `balanceops models inspect`.
struct ModelsInspect: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Says what a model file is, what it takes and gives, and whether it can be served.",
        discussion: "Exit status: 0 it can be served, 5 it cannot; then the message says which part is in the way."
    )
    static let examples = ["balanceops models inspect model.pkl"]

    @Argument(help: "The file.") var file: String
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let (bytes, digest) = try FileModelFiles(defaultPath: file).load(file)
        let model = try ModelFormats().predictor(from: bytes)
        let predictor = model.predictor
        let output = predictor.classes.isEmpty ? "a value" : predictor.hasProbabilities ? "probabilities" : "a label"
        if json {
            return Output.json(
                .object([
                    ("format", .string(model.format)), ("model_type", .string(predictor.modelType)),
                    ("size", .int(bytes.count)), ("sha256", .string(digest)),
                    ("n_features", .int(predictor.featureCount)),
                    ("feature_names", predictor.featureNames.map(JSONValue.strings) ?? .null),
                    ("accepts_missing", .bool(predictor.acceptsMissing)), ("output", .string(output)),
                    ("classes", .strings(predictor.classes)),
                ])
            )
        }
        Output.line("format      \(model.format)")
        Output.line("model       \(predictor.modelType)")
        Output.line("size        \(bytes.count) bytes, SHA-256 \(digest)")
        Output.line(
            "takes       \(predictor.featureCount) numbers" + (predictor.acceptsMissing ? ", some may be missing" : "")
        )
        if let names = predictor.featureNames { Output.line("features    \(names.joined(separator: ", "))") }
        Output.line(
            "gives       \(output)"
                + (predictor.classes.isEmpty ? "" : " of \(predictor.classes.joined(separator: ", "))")
        )
        Output.ok("it can be served")
    }
}

/// `balanceops models import`.
struct ModelsImport: ExemplifiedCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Registers a bare model file as a version.",
        discussion: "The file is kept as an artifact of a run of its own. With --current the version serves at once."
    )
    static let examples = ["balanceops models import model.ubj --name churn --current"]

    @OptionGroup var options: SettingsOptions
    @Argument(help: "The file.") var file: String
    @Option(help: "The registered model; it is made where it is missing.") var name: String
    @Flag(help: "Make the version current, as far as the policy allows.") var current = false
    @Flag(help: "Answer with JSON.") var json = false

    func run() async throws {
        let workspace = try await Workspace.open(options.load())
        _ = try ModelFormats().predictor(from: FileModelFiles(defaultPath: file).load(file).bytes)
        let version = try await register(in: workspace)
        if current { try await workspace.versionPromoter.promote(version.version, of: name, actor: "models import") }
        if json {
            return Output.json(
                .object([("name", .string(name)), ("version", .int(version.version)), ("current", .bool(current))])
            )
        }
        Output.ok("\(name) version \(version.version)\(current ? " is current" : "")")
    }

    private func register(in workspace: Workspace) async throws -> ModelVersion {
        let now = Timestamp.now()
        let id = RunID()
        let run = try await workspace.log.createRun(
            RunStart(id: id, experimentID: 0, name: "import of \(name)", userID: "", startedAt: now, tags: [])
        )
        let path = "model/" + (file as NSString).lastPathComponent
        let key = try ArtifactKey("0/\(id.stored)/artifacts/\(path)")
        let upload = try await workspace.artifactFiles.upload(to: key)
        try LocalFiles.send(file, to: upload)
        try await upload.commit()
        _ = try await workspace.log.updateRun(run.id, RunUpdate(status: .finished, endedAt: .now(), name: nil))
        do {
            _ = try await workspace.models.createModel(
                RegisteredModel(name: name, description: nil, createdAt: now, updatedAt: now)
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
        let found = await workspace.versionFiles.inspect(version).found
        version.problem = found.problem
        version.format = found.format
        version.digest = found.digest
        version.signature = found.signature
        return try await workspace.models.createVersion(version)
    }
}
