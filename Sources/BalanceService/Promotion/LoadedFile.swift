package import BalanceCore

/// A model's file in memory: read, hashed and parsed once.
package struct LoadedFile: Sendable {
    package var path: String
    package var bytes: [UInt8]
    /// SHA-256 of those bytes in hex.
    package var digest: String
    package var model: LoadedModel
    /// The types of the columns in the signature that it was logged with.
    package var types = ColumnTypes([])
    /// A request in the form of MLflow's scoring server that was logged with the model.
    package var example: [UInt8]?
    /// How long parsing took.
    var milliseconds: Double

    var signature: String { model.predictor.signatureJSON(types).text() }

    /// What is known of it, where nothing keeps it from serving.
    package var status: ServableStatus {
        ServableStatus(format: model.format, digest: digest, size: bytes.count, signature: signature)
    }

    /// Parses a file that was read.
    ///
    /// - Throws: `Failure` with code `modelNotReadable`.
    init(_ path: String, _ file: (bytes: [UInt8], digest: String), _ reader: any ModelReader) throws {
        let clock = ContinuousClock()
        let start = clock.now
        self.path = path
        bytes = file.bytes
        digest = file.digest
        model = try reader.predictor(from: file.bytes, digest: file.digest)
        milliseconds = Double((clock.now - start).nanoseconds) / 1e6
    }

    /// Asks the model for the example of its input; an example that is no such request tests nothing.
    ///
    /// - Throws: `Failure` with code `modelNotReadable` where it does not answer.
    func answerExample() throws {
        let predictor = model.predictor
        guard let example, predictor.featureCount > 0,
            let json = try? JSONValue(parsing: example, allowsNonFinite: true), let body = try? ScoringBody(json)
        else { return }
        do {
            for outputs in try body.body(for: predictor, types: types).outputs(of: predictor) {
                _ = try Prediction(predictor, outputs)
            }
        } catch {
            let failure = Failure.from(error)
            let first = failure.details?.elements?.first
            let place = first?["loc"]?.elements?.map { $0.string ?? "\($0.integer ?? 0)" }.joined(separator: ".")
            let detail = first?["msg"]?.string.map { " \(place ?? ""): \($0)" } ?? ""
            throw Failure(
                .modelNotReadable,
                "the model fails on its logged input example: \(failure.message)\(detail)"
            )
        }
    }
}
