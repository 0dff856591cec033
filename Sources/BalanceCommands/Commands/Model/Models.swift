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
        subcommands: [
            ModelsList.self, ModelsVersions.self, ModelsInspect.self, ModelsImport.self, ModelsRefresh.self,
        ]
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

    @OptionGroup(title: "Files") var options: SettingsOptions
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
