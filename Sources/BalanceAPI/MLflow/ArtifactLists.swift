import BalanceService
import BalanceCore
import HTTPTypes
import Hummingbird

/// The artifacts of runs, logged models and versions, by what they belong to.
struct ArtifactLists: Sendable {
    let sources: MLflowSources

    var endpoints: [MLflowEndpoint] {
        [
            MLflowEndpoint(.get, "artifacts/list", "The files of a run.") { try await listOfRun($0) },
            MLflowEndpoint(
                .get,
                "logged-models/{model_id}/artifacts/directories",
                "The files of a logged model."
            ) { try await listOfModel($0) },
            MLflowEndpoint(.post, "artifacts/presigned-upload-url", "Unsupported.", failures: [.notImplemented]) { _ in
                throw Self.notOffered
            },
            MLflowEndpoint(.post, "artifacts/presigned-download-url", "Unsupported.", failures: [.notImplemented]) {
                _ in
                throw Self.notOffered
            },
        ]
    }

    static let notOffered = Failure(
        .notImplemented,
        "Presigned URLs and multipart uploads are not supported.",
        hint: "upload and download complete files at mlflow-artifacts/artifacts/…"
    )

    /// The key of a file of a run.
    func key(ofRun fields: MLflowFields) async throws -> ArtifactKey {
        let run = try await sources.log.trackedRun(TrackingController.id(fields))
        return try Self.root(run.artifactURI).appending(fields.required("path"))
    }

    /// The key of a file of a registered version.
    func key(ofVersion fields: MLflowFields) async throws -> ArtifactKey {
        let name = try fields.required("name")
        let version = try await sources.registry.version(VersionsController.number(fields), of: name)
        return try await sources.versionFiles.key(of: version).appending(fields.required("path"))
    }

    /// The key of a file of a logged model.
    func key(ofModel fields: MLflowFields) async throws -> ArtifactKey {
        let model = try await sources.models.loggedModel(fields.required("model_id"), allowDeleted: false)
        return try Self.root(model.artifactURI).appending(fields.required("artifact_file_path"))
    }

    private func listOfRun(_ fields: MLflowFields) async throws -> JSONValue {
        let run = try await sources.log.trackedRun(TrackingController.id(fields))
        return try await list(run.artifactURI, fields.text("path") ?? "")
    }

    private func listOfModel(_ fields: MLflowFields) async throws -> JSONValue {
        let model = try await sources.models.loggedModel(fields.required("model_id"), allowDeleted: false)
        return try await list(model.artifactURI, fields.text("artifact_directory_path") ?? "")
    }

    private func list(_ uri: String, _ path: String) async throws -> JSONValue {
        let root = try Self.root(uri)
        let entries = try await sources.files.entries(of: path.isEmpty ? root : root.appending(path))
        let prefix = path.isEmpty ? "" : "\(path)/"
        return MLflowJSON.object([
            ("root_uri", .string(uri)), ("files", .array(entries.map { MLflowJSON.entry($0, below: prefix) })),
        ])
    }

    private static func root(_ uri: String) throws -> ArtifactKey {
        guard uri.hasPrefix("mlflow-artifacts:/") else {
            throw Failure(.notImplemented, "These artifacts are in an object store that the server does not access.")
        }
        return try ArtifactKey(String(uri.dropFirst("mlflow-artifacts:/".count)))
    }
}
