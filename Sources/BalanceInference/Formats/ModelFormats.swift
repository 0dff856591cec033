package import BalanceCore

/// Reads every supported format; the content decides, not the name.
package struct ModelFormats: ModelReader {
    package init() {}

    package func predictor(from bytes: [UInt8]) throws -> LoadedModel {
        guard let first = bytes.first else { throw Self.refusal("is empty") }
        if Inflate.isCompressed(bytes) { return try Self.pickle(try Inflate.unpack(bytes), format: "joblib+zlib") }
        // A pickle of protocol 2 and newer begins with PROTO and the protocol's number.
        if first == 0x80, bytes.count > 1, (2...5).contains(bytes[1]) {
            return try Self.pickle(bytes, format: "joblib")
        }
        if OnnxFile.isModel(bytes) { return LoadedModel(predictor: try OnnxPredictor(bytes), format: "onnx") }
        if ZipArchive.isZip(bytes) {
            let graph = try SkopsReader.read(bytes)
            return LoadedModel(predictor: try EstimatorConverter.predictor(from: graph.top), format: "skops")
        }
        if LightGBMModel.isModel(bytes) {
            return LoadedModel(predictor: try LightGBMModel.predictor(from: bytes), format: "lightgbm")
        }
        // In UBJSON a key's length follows the brace; in JSON a quote or white space.
        if first == UInt8(ascii: "{"), bytes.count > 1, "iUIlL".utf8.contains(bytes[1]) {
            return LoadedModel(predictor: try XGBoostModel.predictor(from: UBJSON.parse(bytes)), format: "xgboost-ubj")
        }
        if bytes.prefix(64).first(where: { !" \n\r\t".utf8.contains($0) }) == UInt8(ascii: "{") {
            if let json = try? JSONValue(parsing: bytes, allowsNonFinite: true), XGBoostModel.isModel(json) {
                return LoadedModel(predictor: try XGBoostModel.predictor(from: json), format: "xgboost-json")
            }
            let file = try LinearModelFile(parsing: bytes)
            return LoadedModel(predictor: file.predictor, format: LinearModelFile.format, golden: file.golden)
        }
        throw Self.refusal("is in no format that can be served (it begins with \(Self.hex(bytes.prefix(8))))")
    }

    package func manifest(from bytes: [UInt8]) throws -> ModelDescription {
        let manifest = try ModelManifest(parsing: bytes)
        guard let file = manifest.dataFile else {
            let flavors = manifest.flavors.joined(separator: ", ")
            throw ModelManifest.refusal("its flavors (\(flavors)) name no file that can be executed")
        }
        return ModelDescription(
            dataFile: file,
            columns: manifest.columns,
            exampleFile: manifest.exampleFile,
            scoringMethod: manifest.scoringMethod,
            types: manifest.types
        )
    }

    private static func pickle(_ bytes: [UInt8], format: String) throws -> LoadedModel {
        guard bytes.first == 0x80 else { throw refusal("is compressed, but holds no pickle") }
        let graph = try PickleReader.read(bytes)
        return LoadedModel(predictor: try EstimatorConverter.predictor(from: graph.top), format: format)
    }

    private static func hex(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.map { [$0].hexadecimal }.joined(separator: " ")
    }

    private static func refusal(_ reason: String) -> Failure {
        Failure(
            .modelNotReadable,
            "the model file \(reason)",
            hint: "docs/model-formats.md lists what can be served"
        )
    }
}
