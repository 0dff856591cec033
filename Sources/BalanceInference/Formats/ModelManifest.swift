import BalanceCore
import Yams

/// An `MLmodel`, the YAML file in which MLflow describes the folder of a model.
struct ModelManifest {
    /// The flavors that can be executed, with the key that names the file.
    private static let fileKeys = [
        "sklearn": "pickled_model", "xgboost": "data", "lightgbm": "data", "onnx": "data",
    ]
    private static let maximumSize = 1 << 18
    /// How deep the text may nest, in brackets and in indentation; the YAML reader calls itself for each level.
    private static let maximumDepth = 64

    /// The names of the flavors, sorted.
    let flavors: [String]
    /// The file of the model, beside the manifest.
    let dataFile: String?
    /// The columns of the signature, as JSON in a text.
    private let signature: String?
    /// The file beside the manifest with an example of an input.
    let exampleFile: String?
    /// How `pyfunc` asks the model.
    let scoringMethod: ScoringMethod?

    /// The names of the columns of its signature, where all have one.
    var columns: [String]? {
        guard let signature, let json = try? JSONValue(parsing: Array(signature.utf8)), let columns = json.elements
        else { return nil }
        let names = columns.compactMap { $0["name"]?.string }
        return names.isEmpty || names.count != columns.count ? nil : names
    }

    /// The types of the columns of its signature.
    var types: ColumnTypes {
        let columns = signature.flatMap { try? JSONValue(parsing: Array($0.utf8)) }?.elements ?? []
        return ColumnTypes(
            columns.compactMap { column in
                guard let name = column["name"]?.string, let type = column["type"]?.string else { return nil }
                return (name, type)
            }
        )
    }

    /// - Throws: `Failure` with code `modelNotReadable`.
    init(parsing bytes: [UInt8]) throws {
        guard bytes.count <= Self.maximumSize, YAMLBounds.allow(bytes, depth: Self.maximumDepth),
            let root = try? compose(yaml: String(decoding: bytes, as: UTF8.self)),
            let entries = root.mapping?["flavors"]?.mapping
        else { throw Self.refusal("the MLmodel file is not valid YAML with flavors") }
        signature = entries.isEmpty ? nil : root.mapping?["signature"]?.mapping?["inputs"]?.string
        exampleFile = root.mapping?["saved_input_example_info"]?.mapping?["serving_input_path"]?.string
        var found: String?
        var method: ScoringMethod?
        var names: [String] = []
        for (key, value) in entries {
            guard let name = key.string else { continue }
            names.append(name)
            if let file = Self.fileKeys[name].flatMap({ value.mapping?[$0]?.string }) {
                found = file
                method = try Self.method(name, entries)
            }
        }
        scoringMethod = method
        flavors = names.sorted()
        dataFile = found
    }

    /// Source: `mlflow/sklearn`, `mlflow/xgboost` and `mlflow/lightgbm`; MLflow before 1.22 wrote boosters without a class.
    private static func method(_ flavor: String, _ flavors: Node.Mapping) throws -> ScoringMethod? {
        let entry = flavors[Node(flavor)]?.mapping
        switch flavor {
        case "sklearn":
            let name = flavors["python_function"]?.mapping?["predict_fn"]?.string ?? "predict"
            if name == "predict" { return nil }
            guard let method = ScoringMethod(rawValue: name), method != .booster else {
                throw refusal("the MLmodel file requires the method '\(name)', which is not supported")
            }
            return method
        case "xgboost", "lightgbm":
            let name = entry?["model_class"]?.string ?? "Booster"
            return name.hasSuffix("Classifier") ? nil : .booster
        default: return nil
        }
    }

    static func refusal(_ message: String) -> Failure {
        Failure(.modelNotReadable, message, hint: "docs/model-formats.md lists what can be served")
    }
}
