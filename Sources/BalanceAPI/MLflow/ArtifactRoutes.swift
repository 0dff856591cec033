import BalanceCore
import BalanceNet
import HTTPTypes
import Hummingbird

/// The routes whose bodies or answers are files.
struct ArtifactRoutes: Sendable {
    let controller: ArtifactsController
    let lists: ArtifactLists

    private static let roots = ["/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts"]
    private static let upload = "/ajax-api/2.0/mlflow/upload-artifact"
    private static let modelFile = "/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files"
    private static let maximumUpload = 10 << 20

    /// The ways of MLflow's proxy that are not offered here.
    private static let notOffered: [(HTTPRequest.Method, String)] = [
        (.post, "mpu/create"), (.post, "mpu/complete"), (.post, "mpu/abort"), (.get, "presigned"),
    ]

    var endpoints: [Endpoint] { Self.roots.flatMap(proxy) + files + [uploads] }

    /// A file, fetched whole or in part.
    private static func file(_ path: String, _ summary: String, query: [String] = []) -> RouteDescription {
        RouteDescription(
            "GET",
            path,
            summary,
            parameters: query.map { .init($0, in: .query, [("type", "string")]) },
            contentType: "*/*",
            success: [200, 206, 304, 416],
            failures: [.invalidParameter, .resourceNotFound, .notImplemented]
        )
    }

    private static let query = ObjectRule.these { request, _ in references(request) }

    /// What the query names.
    @Sendable private static func references(_ request: Request) -> [ObjectReference] {
        (try? MLflowFields.query(request).references(below: request.uri.path)) ?? [.server]
    }

    /// A file's place begins with the experiment that it belongs to.
    private static func reference(_ key: ArtifactKey) -> ObjectReference {
        .experiment(String(key.text.prefix { $0 != "/" }))
    }

    private var files: [Endpoint] {
        [
            Endpoint(
                Self.file("/get-artifact", "Fetches a file of a run.", query: ["run_id", "path"]),
                .read,
                on: Self.query
            ) {
                request,
                _ in
                try await controller.get(request, lists.key(ofRun: .query(request)))
            },
            Endpoint(
                Self.file(
                    "/model-versions/get-artifact",
                    "Fetches a file of a version.",
                    query: ["name", "version", "path"]
                ),
                .read,
                on: Self.query
            ) { request, _ in try await controller.get(request, lists.key(ofVersion: .query(request))) },
            Endpoint(
                Self.file(Self.modelFile, "Fetches a file of a logged model.", query: ["artifact_file_path"]),
                .read,
                on: .these { [.loggedModel(try $1.text("model_id"))] + Self.references($0) }
            ) { request, context in
                let id = try context.parameters.require("model_id")
                return try await controller.get(request, lists.key(ofModel: .query(request).setting("model_id", id)))
            },
        ]
    }

    private var uploads: Endpoint {
        Endpoint(
            .init(
                "POST",
                Self.upload,
                "Stores a file of a run, of at most 10 MB.",
                parameters: ["run_uuid", "path"].map { .init($0, in: .query, [("type", "string")]) },
                takesFile: true,
                answer: "MLflowAnswer",
                failures: [.invalidParameter, .resourceNotFound, .bodyTooLarge, .notImplemented]
            ),
            .write,
            on: Self.query
        ) { request, _ in
            let key = try await lists.key(ofRun: .query(request))
            _ = try await controller.put(request, key, limit: Self.maximumUpload)
            return .json(.object([]))
        }
    }

    private func proxy(_ root: String) -> [Endpoint] {
        let prefix = "\(root)/artifacts/"
        // The router forgets empty segments; the key must see the address as it was sent.
        let key: @Sendable (Request) throws -> ArtifactKey = {
            try ArtifactsController.key(String($0.uri.path.dropFirst(prefix.count)))
        }
        let file = "\(prefix){path}"
        let place = ObjectRule.these { request, _ in [Self.reference(try key(request))] }
        let failures: [Failure.Code] = [.invalidParameter, .resourceNotFound, .storageFull]
        var fetched = Self.file(file, "Fetches a file; Range is supported.")
        fetched.failures = failures
        return [
            Endpoint(
                .init(
                    "GET",
                    "\(root)/artifacts",
                    "The files of a folder.",
                    parameters: [.init("path", in: .query, [("type", "string")])],
                    answer: "MLflowAnswer",
                    failures: [.invalidParameter]
                ),
                .read,
                on: .these { request, _ in
                    let path = try MLflowFields.query(request).text("path") ?? ""
                    return [path.isEmpty ? .server : Self.reference(try ArtifactsController.key(path))]
                }
            ) { request, _ in .json(try await controller.list(.query(request))) },
            Endpoint(fetched, .read, on: place) { request, _ in try await controller.get(request, key(request)) },
            Endpoint(
                .init("PUT", file, "Stores a file.", takesFile: true, contentType: "", failures: failures),
                .write,
                on: place
            ) { request, _ in try await controller.put(request, key(request)) },
            Endpoint(.init("DELETE", file, "Deletes.", answer: "MLflowAnswer", failures: failures), .write, on: place) {
                request,
                _ in
                .json(try await controller.delete(key(request)))
            },
        ]
            + Self.notOffered.map { method, path in
                Endpoint(
                    .init(
                        method.rawValue,
                        "\(root)/\(path)/{path}",
                        "Unsupported.",
                        success: [],
                        failures: [.notImplemented]
                    ),
                    .read,
                    on: .any
                ) { _, _ -> Response in throw ArtifactLists.notOffered }
            }
    }
}
