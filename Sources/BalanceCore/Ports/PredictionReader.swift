/// Reads predictions row by row from an artifact.
package protocol PredictionReader: Sendable {
    /// Reads a CSV file, or a table in JSON as MLflow logs one.
    ///
    /// - Throws: `Failure` with code `datasetInvalid`.
    func predictions(from bytes: [UInt8], name: String) throws -> PredictionTable
}
