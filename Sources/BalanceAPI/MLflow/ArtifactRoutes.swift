import BalanceCore
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

    var descriptions: [RouteDescription] {
        let path = RouteDescription.Parameter("path", in: .query, [("type", "string")])
        func parameter(_ name: String, _ place: RouteDescription.Place = .query) -> RouteDescription.Parameter {
            .init(name, in: place, [("type", "string")])
        }
        func file(_ route: String, _ summary: String, _ names: [RouteDescription.Parameter]) -> RouteDescription {
            RouteDescription(
                "GET",
                route,
                summary,
                parameters: names,
                contentType: "*/*",
                success: [200, 206, 304, 416],
                failures: [.invalidParameter, .resourceNotFound, .notImplemented]
            )
        }
        return Self.roots.flatMap(Self.proxy) + [
            file("/get-artifact", "Fetches a file of a run.", [parameter("run_id"), path]),
            file(
                "/model-versions/get-artifact",
                "Fetches a file of a version.",
                [parameter("name"), parameter("version"), path]
            ),
            file(
                Self.modelFile,
                "Fetches a file of a logged model.",
                [parameter("model_id", .path), parameter("artifact_file_path")]
            ),
            RouteDescription(
                "POST",
                Self.upload,
                "Stores a file of a run, of at most 10 MB.",
                parameters: [parameter("run_uuid"), path],
                takesFile: true,
                answer: "MLflowAnswer",
                failures: [.invalidParameter, .resourceNotFound, .bodyTooLarge, .notImplemented]
            ),
        ]
    }

    func addRoutes(to router: Router<AppContext>) {
        for root in Self.roots { addProxy(to: router, root) }
        let (controller, lists) = (self.controller, self.lists)
        router.get("/get-artifact") { request, _ in
            try await controller.get(request, lists.key(ofRun: .query(request)))
        }
        router.get("/model-versions/get-artifact") { request, _ in
            try await controller.get(request, lists.key(ofVersion: .query(request)))
        }
        router.get(RouterPath(Self.modelFile)) { request, context in
            let id = try context.parameters.require("model_id")
            return try await controller.get(request, lists.key(ofModel: .query(request).setting("model_id", id)))
        }
        router.post(RouterPath(Self.upload)) { request, _ in
            let key = try await lists.key(ofRun: .query(request))
            _ = try await controller.put(request, key, limit: Self.maximumUpload)
            return Response.json(.object([]))
        }
    }

    private func addProxy(to router: Router<AppContext>, _ root: String) {
        let controller = controller
        let prefix = "\(root)/artifacts/"
        // The router forgets empty segments; the key must see the address as it was sent.
        let key: @Sendable (Request) throws -> ArtifactKey = {
            try ArtifactsController.key(String($0.uri.path.dropFirst(prefix.count)))
        }
        router.get("\(root)/artifacts") { request, _ in Response.json(try await controller.list(.query(request))) }
        router.get("\(root)/artifacts/**") { request, _ in try await controller.get(request, key(request)) }
        router.put("\(root)/artifacts/**") { request, _ in try await controller.put(request, key(request)) }
        router.delete("\(root)/artifacts/**") { request, _ in
            Response.json(try await controller.delete(key(request)))
        }
        for (method, path) in Self.notOffered {
            router.on(RouterPath("\(root)/\(path)/**"), method: method) { _, _ -> Response in
                throw ArtifactLists.notOffered
            }
        }
    }

    private static func proxy(_ root: String) -> [RouteDescription] {
        let list = RouteDescription(
            "GET",
            "\(root)/artifacts",
            "The files of a folder.",
            parameters: [.init("path", in: .query, [("type", "string")])],
            answer: "MLflowAnswer",
            failures: [.invalidParameter]
        )
        let path = RouteDescription.Parameter("path", in: .path, [("type", "string")])
        let file = "\(root)/artifacts/{path}"
        let failures: [Failure.Code] = [.invalidParameter, .resourceNotFound, .storageFull]
        return [
            list,
            RouteDescription(
                "GET",
                file,
                "Fetches a file; Range is supported.",
                parameters: [path],
                contentType: "*/*",
                success: [200, 206, 304, 416],
                failures: failures
            ),
            RouteDescription(
                "PUT",
                file,
                "Stores a file.",
                parameters: [path],
                takesFile: true,
                contentType: "",
                failures: failures
            ),
            RouteDescription(
                "DELETE",
                file,
                "Deletes.",
                parameters: [path],
                answer: "MLflowAnswer",
                failures: failures
            ),
        ]
            + notOffered.map { method, path in
                RouteDescription(
                    method.rawValue,
                    "\(root)/\(path)/{path}",
                    "Unsupported.",
                    parameters: [.init("path", in: .path, [("type", "string")])],
                    success: [],
                    failures: [.notImplemented]
                )
            }
    }
}
