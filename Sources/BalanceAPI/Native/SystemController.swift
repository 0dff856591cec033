package import BalanceCore
import Foundation

/// `/health`, `/version` and `/model`.
struct SystemController {
    let registry: any RegistryStore
    let models: any ModelProvider
    let build: BuildInfo
    /// Why nothing is written any more; nil where all is well.
    let storage: @Sendable () -> Failure?

    static let routes = [
        RouteDescription(
            "GET",
            "/health",
            "Whether the server is healthy and can write.",
            answer: "Health",
            failures: [.storageLost]
        ),
        RouteDescription(
            "GET",
            "/version",
            "The server build, and what its model expects.",
            answer: "Version",
            contentType: "application/json, text/plain"
        ),
        RouteDescription("GET", "/model", "The current model, or an empty object.", answer: "Model"),
    ]

    /// - Throws: `Failure` with code `storageLost`.
    func health() throws -> JSONValue {
        if let loss = storage() { throw loss }
        return .object([("status", "ok")])
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

    func model() async throws -> JSONValue {
        try await registry.currentModel(named: defaultModelName)?.json ?? .object([])
    }

    private static func model(_ count: Int, _ type: JSONValue) -> [(String, JSONValue)] {
        [("expected_n_features", .int(count)), ("model_type", type)]
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
