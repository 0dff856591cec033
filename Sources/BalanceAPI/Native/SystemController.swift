package import BalanceCore
import BalanceNet
import Foundation
import Hummingbird
import NIOCore

/// `/health`, `/version` and `/model`.
struct SystemController: Sendable {
    let registry: any RegistryStore
    let models: any ModelProvider
    let build: BuildInfo
    /// Why nothing is written any more; nil where all is well.
    let storage: @Sendable () -> Failure?

    var endpoints: [Endpoint] {
        [
            Endpoint(
                .init(
                    "GET",
                    "/health",
                    "Whether the server is healthy and can write.",
                    answer: "Health",
                    failures: [.storageLost]
                ),
                .open
            ) { _, _ in .json(try health()) },
            Endpoint(
                .init(
                    "GET",
                    "/version",
                    "The server build, and what its model expects.",
                    answer: "Version",
                    contentType: "application/json, text/plain"
                ),
                .open
            ) { request, context in
                Self.wantsText(request) ? .text(MLflowAPI.version) : .json(await version(context))
            },
            Endpoint(
                .init("GET", "/model", "The current model, or an empty object.", answer: "Model"),
                .read,
                on: .model
            ) {
                _,
                _ in
                .json(try await registry.currentModel(named: defaultModelName)?.json ?? .object([]))
            },
        ]
    }

    /// Whether the caller is MLflow's client, or asks for text: then the answer is a bare version number.
    private static func wantsText(_ request: Request) -> Bool {
        let agent = request.headers[.userAgent]?.lowercased() ?? ""
        let accept = request.headers[.accept]?.lowercased() ?? ""
        return agent.hasPrefix("mlflow-python-client") || accept.hasPrefix("text/plain")
    }

    /// - Throws: `Failure` with code `storageLost`.
    private func health() throws -> JSONValue {
        if let loss = storage() { throw loss }
        return .object([("status", "ok")])
    }

    /// Nobody in particular is told no more than what this is.
    private func version(_ context: AppContext) async -> JSONValue {
        guard context.access?.authenticator.isOn ?? false else { return await version() }
        return .object([("service", "balanceops-api")] + build.members.prefix(1))
    }

    func version() async -> JSONValue {
        var members: [(String, JSONValue)] = [("service", "balanceops-api")] + build.members
        do {
            let model = try await models.current()
            members += Self.model(model.predictor.featureCount, .string(model.predictor.modelType))
            if let problem = await models.problem() { members.append(("model_error", .string(problem))) }
        } catch {
            let failure = Failure.from(error)
            if failure.code == .noCurrentModel {
                // Clients of the original size their first request by this number.
                members += Self.model(8, "NoneType")
            } else {
                let reason = failure.details?["message"]?.string ?? failure.message
                members += [
                    ("expected_n_features", .null), ("model_type", .null), ("model_error", .string(reason)),
                ]
            }
        }
        return .object(members)
    }

    private static func model(_ count: Int, _ type: JSONValue) -> [(String, JSONValue)] {
        [("expected_n_features", .int(count)), ("model_type", type)]
    }
}

extension Response {
    fileprivate static func text(_ text: String) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "text/plain"],
            body: .init(byteBuffer: ByteBuffer(string: text))
        )
    }
}

/// What is known of this build and the machine that it runs on.
package struct BuildInfo: Sendable {
    private let git: GitInfo

    package init(git: GitInfo) { self.git = git }

    /// The members of `/version` that never change while the server runs.
    var members: [(String, JSONValue)] {
        var names = utsname()
        uname(&names)
        return [
            ("package", .object([("name", "balanceops"), ("version", .string(Build.version))])), ("git", git.json),
            ("swift", .object([("version", .string(Build.swiftVersion))])),
            (
                "platform",
                .object([
                    ("system", .string(Self.text(&names.sysname))), ("release", .string(Self.text(&names.release))),
                    ("machine", .string(Self.text(&names.machine))),
                ])
            ),
        ]
    }

    /// The text in one of `uname`'s fixed arrays.
    private static func text<Field>(_ field: inout Field) -> String {
        withUnsafeBytes(of: &field) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
