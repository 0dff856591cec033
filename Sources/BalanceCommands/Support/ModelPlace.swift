import BalanceCore
import BalanceInference
import Foundation

/// Where the user's model is: a file, or a folder that MLflow wrote, with the file that its `MLmodel` names.
struct ModelPlace {
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
