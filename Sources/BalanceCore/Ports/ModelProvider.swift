/// Answers with the model that serves now.
package protocol ModelProvider: Sendable {
    /// The published model, after a look at whether its file changed.
    ///
    /// - Throws: `Failure` with code `noCurrentModel` or `currentModelLoadFailed`.
    func current() async throws -> ServedModel
    /// Why the newest file could not be loaded while an older model goes on serving; nil where all is well.
    func problem() async -> String?
}

/// Answers with models by their names.
package protocol ModelDirectory: Sendable {
    /// The model that the alias `current` of a name points to.
    ///
    /// - Throws: `Failure` with code `noCurrentModel`, `currentModelLoadFailed` or `resourceNotFound`.
    func current(of name: String) async throws -> ServedModel
    /// A version by its number, or by an alias.
    ///
    /// - Throws: `Failure` with code `resourceNotFound`, `invalidParameter` or `modelNotReadable`.
    func version(_ text: String, of name: String) async throws -> ServedModel
    /// The current model of a name where it is in memory and its file did not change; nil asks for ``current(of:)``.
    func loaded(_ name: String) -> ServedModel?
    /// Counts the calls of ``load(_:)`` and ``unload(_:)``, so that whoever remembers a model sees that it may not.
    var changes: UInt64 { get }
    /// Loads a model again, also one that was unloaded.
    ///
    /// - Throws: as ``current(of:)`` does.
    func load(_ name: String) async throws
    /// Takes a model out of service until ``load(_:)`` or a restart; the registry does not change.
    ///
    /// - Throws: `Failure` with code `resourceNotFound`.
    func unload(_ name: String) async throws
    /// Why a model's own file does not serve, where an older model stands in for it; nil where all is well.
    func problem(of name: String) async -> String?
    /// Whether a model was taken out of service.
    func isUnloaded(_ name: String) -> Bool
}

/// A model that is published for serving.
///
/// A reference, so that a request takes hold of it with one count.
package final class ServedModel: Sendable {
    package let predictor: any Predictor
    package let name: String
    package let version: Int
    package let runID: RunID?
    package let path: String
    /// The name of the file's format, as `joblib`.
    package let format: String
    /// SHA-256 of the file in hex.
    package let digest: String
    /// What a crash record names the model by.
    package let crashMark: UInt64

    /// A number that stands for a model's name in the record of a crash; never 0.
    package static func crashMark(of name: String) -> UInt64 {
        let hash = FNV1a.hash(name.utf8)
        return hash == 0 ? 1 : hash
    }
    /// What each request asks of the predictor, asked once: see ``Predictor/rowCost``.
    package let rowCost: Int
    /// How many numbers a row has, where rows are of numbers alone and the answer is a probability of two classes; else nil.
    package let chanceFeatures: Int?
    /// The types of the columns in its MLflow signature.
    package let columnTypes: ColumnTypes

    package init(
        predictor: any Predictor,
        name: String,
        version: Int,
        runID: RunID?,
        path: String,
        format: String = "",
        digest: String = "",
        columnTypes: ColumnTypes = ColumnTypes([])
    ) {
        self.columnTypes = columnTypes
        self.digest = digest
        crashMark = Self.crashMark(of: name)
        self.format = format
        rowCost = predictor.rowCost
        let isChance = predictor.classes.count == 2 && predictor.hasProbabilities && predictor.textFeatures.isEmpty
        chanceFeatures = isChance ? predictor.featureCount : nil
        self.predictor = predictor
        self.name = name
        self.version = version
        self.runID = runID
        self.path = path
    }

    /// What executes the model, in the form of Triton's names.
    package var platform: String { "balanceops_\(format)" }
}
