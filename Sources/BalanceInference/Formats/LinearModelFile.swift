package import BalanceCore
import Crypto

/// Our own format for linear pipelines: one JSON object with a checksum over its content.
///
/// ```json
/// {"format": "balanceops-linear/1", "sha256": "…", "model": {"model_type": "Pipeline", "feature_names": […],
///  "mean": […], "scale": […], "weights": […], "intercept": 0.1, "classes": ["0", "1"], "clip": 0,
///  "training": {…}, "golden": {"features": […], "probability": 0.7}}}
/// ```
package struct LinearModelFile: Sendable {
    package static let format = "balanceops-linear/1"

    package var modelType: String
    package var featureNames: [String]
    /// Empty for a model that takes its features as they are.
    package var mean: [Double]
    package var scale: [Double]
    package var weights: [Double]
    package var intercept: Double
    package var classes: [String]
    /// How far from 0 and 1 an answer stays; 0 for no limit.
    package var clip: Double
    /// What is known of the data that it was trained on.
    package var training: JSONValue
    package var golden: GoldenRow?

    package init(
        modelType: String,
        featureNames: [String],
        mean: [Double],
        scale: [Double],
        weights: [Double],
        intercept: Double,
        classes: [String],
        clip: Double,
        training: JSONValue,
        golden: GoldenRow? = nil
    ) {
        self.modelType = modelType
        self.featureNames = featureNames
        self.mean = mean
        self.scale = scale
        self.weights = weights
        self.intercept = intercept
        self.classes = classes
        self.clip = clip
        self.training = training
        self.golden = golden
    }

    /// The file's bytes.
    package var bytes: [UInt8] {
        var content: [(String, JSONValue)] = [
            ("model_type", .string(modelType)), ("feature_names", .strings(featureNames)), ("mean", .numbers(mean)),
            ("scale", .numbers(scale)), ("weights", .numbers(weights)), ("intercept", .double(intercept)),
            ("classes", .strings(classes)), ("clip", .double(clip)), ("training", training),
        ]
        if let golden {
            let row = JSONValue.object([
                ("features", .numbers(golden.features)), ("probability", .double(golden.probability)),
            ])
            content.append(("golden", row))
        }
        let model = JSONValue.object(content)
        let file = JSONValue.object([
            ("format", .string(Self.format)), ("sha256", .string(Self.checksum(of: model))), ("model", model),
        ])
        return file.bytes() + [0x0A]
    }

    /// Reads a file that ``bytes`` made.
    ///
    /// - Throws: `Failure` with code `modelNotReadable` that names the field that is wrong.
    package init(parsing bytes: [UInt8]) throws {
        let file: JSONValue
        do {
            file = try JSONValue(parsing: bytes)
        } catch {
            throw Self.refusal("is not valid JSON: \(error.message) at byte \(error.offset)")
        }
        guard let format = file["format"]?.string else { throw Self.refusal("has no 'format'") }
        guard format == Self.format, let model = file["model"] else {
            throw Self.refusal("is of the format '\(format)', not '\(Self.format)'")
        }
        guard file["sha256"]?.string == Self.checksum(of: model) else {
            throw Self.refusal("is damaged: its content does not fit its checksum")
        }
        try self.init(model)
    }

    private init(_ model: JSONValue) throws {
        modelType = model["model_type"]?.string ?? "Pipeline"
        featureNames = try Self.field("feature_names", model["feature_names"]?.strings)
        mean = try Self.field("mean", model["mean"]?.numbers)
        scale = try Self.field("scale", model["scale"]?.numbers)
        weights = try Self.field("weights", model["weights"]?.numbers)
        intercept = try Self.field("intercept", model["intercept"]?.number)
        classes = try Self.field("classes", model["classes"]?.strings)
        clip = model["clip"]?.number ?? 0
        training = model["training"] ?? .null
        golden = model["golden"].flatMap { row in
            guard let features = row["features"]?.numbers, let probability = row["probability"]?.number else {
                return nil
            }
            return GoldenRow(features: features, probability: probability)
        }
        let fits = weights.count == featureNames.count && classes.count == 2 && !weights.isEmpty
        let scales = [mean.count, scale.count].allSatisfy { $0 == 0 || $0 == weights.count }
        guard fits, scales, golden?.features.count ?? weights.count == weights.count else {
            throw Self.refusal("has lists of different lengths")
        }
        guard (mean + scale + weights + [intercept, clip]).allSatisfy(\.isFinite), !scale.contains(0) else {
            throw Self.refusal("has numbers that are not finite")
        }
    }

    /// What evaluates it.
    package var predictor: PipelinePredictor {
        let model: any RowModel =
            clip > 0
            ? DummyClassifier(weights: weights, intercept: intercept, featureCount: weights.count, clip: clip)
            : LogisticClassifier(classes: classes, weights: [weights], intercepts: [intercept])
        return PipelinePredictor(
            modelType: modelType,
            featureNames: featureNames,
            featureCount: weights.count,
            transforms: mean.isEmpty && scale.isEmpty ? [] : [StandardScale(mean: mean, scale: scale)],
            model: model,
            labelType: classes == ["0", "1"] ? .int : .text
        )
    }

    private static func checksum(of model: JSONValue) -> String {
        SHA256.hash(data: model.bytes()).hexadecimal
    }

    private static func field<Value>(_ name: String, _ value: Value?) throws -> Value {
        guard let value else { throw refusal("has no usable '\(name)'") }
        return value
    }

    private static func refusal(_ reason: String) -> Failure {
        Failure(.modelNotReadable, "the model file \(reason)", hint: "train again, or promote another model")
    }
}
