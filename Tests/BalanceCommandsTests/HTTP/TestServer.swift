import BalanceAPI
import BalanceCore
import BalanceNet
import BalanceService
import BalanceTestSupport
import Hummingbird
import HummingbirdTesting

@testable import BalanceCommands

/// The real server over a workspace in a temporary folder.
struct TestServer: Sendable {
    let folder: TemporaryFolder
    let settings: Settings

    init(database: String = "b.db", allowedHosts: String = "") async throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        settings = try await Settings.load(
            flags: [
                .database: folder(database), .artifacts: folder("artifacts"),
                .currentModel: folder("artifacts/models/current.model"), .allowedHosts: allowedHosts,
                .logLevel: "critical",
                // A test may do something long between two requests of its one connection.
                .headTimeout: "3600", .idleTimeout: "3600",
            ],
            environment: [:],
            directory: folder.path
        )
    }

    /// An answer.
    struct Answer: Sendable {
        var status: Int
        var headers: HTTPFields
        var text: String
        var json: JSONValue? { try? JSONValue(parsing: text) }
        var errorCode: String? { json?["error"]?["code"]?.string }
    }

    /// Runs a test against the API with the dashboard below `/ui`.
    func api<Value: Sendable>(
        _ mode: AccessMode = .off,
        _ body: @Sendable (Client) async throws -> Value
    ) async throws -> Value {
        let application = try await ServerBuilder(workspace: Workspace.open(settings), mode: mode).api { _ in }
        return try await application.test(.live) { try await body(Client(client: $0)) }
    }

    /// Somebody with a role and a token.
    func addAccount(
        _ name: String,
        _ grants: [Grant],
        _ limit: TokenLimit = TokenLimit(),
        kind: Account.Kind = .person,
        password: String? = nil
    ) async throws -> String {
        let accounts = try await accounts()
        var new = AccountService.NewAccount(name: name)
        new.grants = grants
        new.kind = kind
        new.password = password
        _ = try await accounts.create(new, by: Actor(name: "test"))
        return try await accounts.createToken(.init(note: "", limit: limit), for: name, by: Actor(name: "test")).text
    }

    /// The accounts, as another process would change them.
    func accounts() async throws -> AccountService {
        let workspace = try await Workspace.open(settings)
        let runner = PredictionPool(threads: 1, queue: 10)
        let directory = AccessDirectory(store: workspace.accounts, isOn: true, acceptsPasswords: true, runner: runner)
        return AccountService(store: workspace.accounts, directory: directory, runner: runner)
    }

    struct Client: Sendable {
        let client: any TestClientProtocol

        func get(_ path: String, headers: HTTPFields = [:]) async throws -> Answer {
            try await send(.get, path, headers: headers)
        }

        func predict(_ body: String, type: String? = "application/json") async throws -> Answer {
            var headers: HTTPFields = [:]
            headers[.contentType] = type
            return try await send(.post, "/predict", headers: headers, body: body)
        }

        func send(
            _ method: HTTPRequest.Method,
            _ path: String,
            headers: HTTPFields = [:],
            body: String? = nil
        ) async throws -> Answer {
            try await client.execute(
                uri: path,
                method: method,
                headers: headers,
                body: body.map { ByteBuffer(string: $0) }
            ) { response in
                Answer(
                    status: Int(response.status.code),
                    headers: response.headers,
                    text: String(buffer: response.body)
                )
            }
        }
    }
}
