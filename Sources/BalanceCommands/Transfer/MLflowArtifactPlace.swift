import BalanceCore
import Foundation

/// Where an MLflow server lists and hands out the files of a run or a logged model.
///
/// A server that keeps the files itself has them below `mlflow-artifacts`, by paths from there. Another reads them from a
/// store of its own on request (`/get-artifact` for runs), by paths from the root of their owner.
struct MLflowArtifactPlace: Sendable {
    let owner: TransferRecord.StoredFileRecord.Owner
    let id: String
    let isProxied: Bool
    private let base: String
    private let root: String

    init(base: String, uri: String, owner: TransferRecord.StoredFileRecord.Owner, id: String) {
        let proxied = uri.dropPrefix("mlflow-artifacts:/")
        self.base = base
        self.owner = owner
        self.id = id
        isProxied = proxied != nil
        root = String((proxied ?? "").drop { $0 == "/" })
    }

    /// The address of the list of a folder.
    func list(_ folder: String) -> String {
        if isProxied {
            let path = folder.isEmpty ? root : "\(root)/\(folder)"
            return "\(base)/api/2.0/mlflow-artifacts/artifacts?path=\(Self.encoded(path))"
        }
        let path = Self.encoded(folder)
        if owner == .loggedModel {
            let directories = "\(base)/api/2.0/mlflow/logged-models/\(Self.encoded(id))/artifacts/directories"
            return folder.isEmpty ? directories : "\(directories)?artifact_directory_path=\(path)"
        }
        let list = "\(base)/api/2.0/mlflow/artifacts/list?run_id=\(Self.encoded(id))"
        return folder.isEmpty ? list : "\(list)&path=\(path)"
    }

    /// The address of a file.
    func file(_ path: String) -> String {
        if isProxied { return "\(base)/api/2.0/mlflow-artifacts/artifacts/" + Self.encoded("\(root)/\(path)") }
        let (id, path) = (Self.encoded(id), Self.encoded(path))
        if owner == .loggedModel {
            return "\(base)/ajax-api/2.0/mlflow/logged-models/\(id)/artifacts/files?artifact_file_path=\(path)"
        }
        // Servers before 2.0 read the second name.
        return "\(base)/get-artifact?run_id=\(id)&run_uuid=\(id)&path=\(path)"
    }

    static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "-_./"))) ?? text
    }
}
