import BalanceAPI
import BalanceCore
import BalanceNet
import BalanceService
import BalanceTestSupport
import Foundation
import HTTPTypes
import Hummingbird
import Testing

@testable import BalanceCommands

/// Who may do what, over every endpoint.
struct AccessTests {
    /// Those who ask in the matrix; the last of each column's name is its role.
    private static let roles: [Role?] = [nil, .viewer, .serving, .writer, .approver, .operator, .admin]

    /// Every endpoint of the server with the permission that it asks for.
    private static func endpoints(_ server: TestServer) async throws -> [Endpoint] {
        try await ServerBuilder(workspace: Workspace.open(server.settings)).apiEndpoints()
    }

    private static func path(_ route: RouteDescription) -> String {
        route.path.split(separator: "/").map { part in
            switch part {
            case "{run_id}": "4f1c2d0000000000000000000000abcd"
            case "{version}", "{seq}", "{index}", "{experiment_id}": "1"
            case _ where part.hasPrefix("{"): "nosuch"
            default: String(part)
            }
        }.reduce("") { "\($0)/\($1)" }
    }

    @Test func `every endpoint lets in those whose role has its permission and nobody else`() async throws {
        let server = try await TestServer()
        var tokens: [Role: String] = [:]
        for role in Role.allCases {
            tokens[role] = try await server.addAccount("the-\(role.rawValue)", [Grant(role: role, scope: .everything)])
        }
        let endpoints = try await Self.endpoints(server)
        #expect(endpoints.count > 200)
        try await server.api(.accounts) { [tokens] client async throws -> Void in
            for endpoint in endpoints {
                let route = endpoint.route
                guard let method = HTTPRequest.Method(route.method) else { continue }
                for role in Self.roles {
                    var headers: HTTPFields = [.contentType: "application/json"]
                    if let role { headers[.authorization] = "Bearer \(tokens[role] ?? "")" }
                    let path = Self.path(route) == "" ? "/" : Self.path(route)
                    let answer = try await client.send(
                        method,
                        path,
                        headers: headers,
                        body: method == .get ? nil : "{}"
                    )
                    let who = "\(role?.rawValue ?? "nobody") \(route.method) \(path): \(answer.status)"
                    let permission = endpoint.permission
                    let may =
                        permission == .open
                        || role.map { permission == .signedIn || $0.permissions.contains(permission) } ?? false
                    if may {
                        #expect(answer.status != 401, "\(who)")
                        // What MLflow's dialect asks for besides, such as promoting by an alias, has tests of its own.
                        #expect(answer.status != 403 || permission == .open, "\(who)")
                    } else if role == nil {
                        #expect(answer.status == 401 || endpoint.isPage && answer.status == 303, "\(who)")
                    } else {
                        #expect(answer.status == 403, "\(who)")
                    }
                }
            }
        }
    }

    @Test func `the table of roles in the documentation is what the roles hold`() throws {
        let page = try ProjectTests.text("docs/access.md")
        for role in Role.allCases {
            let cells = Permission.grantable.map { role.permissions.contains($0) ? "●" : "" }
            #expect(page.contains("| `\(role.rawValue)` | \(cells.joined(separator: " | ")) |"), "\(role)")
        }
        for permission in Permission.grantable {
            #expect(page.contains("| `\(permission.rawValue)` | "), "\(permission)")
        }
    }

    @Test func `without accounts nothing is asked`() async throws {
        let server = try await TestServer()
        try await server.api(.off) { client async throws -> Void in
            let json: HTTPFields = [.contentType: "application/json"]
            let made = try await client.send(.post, "/tokens", headers: json, body: "{}")
            #expect(made.status == 403)
            #expect(try await client.get("/runs").status == 200)
            #expect(try await client.get("/users").status == 403)
        }
    }

    @Test func `a role for one folder and one model reaches nothing else`() async throws {
        let server = try await TestServer()
        let admin = try await server.addAccount("root", [Grant(role: .admin, scope: .everything)])
        let scoped = try await server.addAccount(
            "kim",
            [
                Grant(role: .writer, scope: .folder(ByteText("team-a"))),
                Grant(role: .writer, scope: .model(ByteText("credit*"))),
            ]
        )
        try await server.api(.accounts) { client async throws -> Void in
            @Sendable func send(
                _ token: String,
                _ method: HTTPRequest.Method,
                _ path: String,
                _ body: String? = nil
            ) async throws -> TestServer.Answer {
                let headers: HTTPFields = [.contentType: "application/json", .authorization: "Bearer \(token)"]
                return try await client.send(method, path, headers: headers, body: body)
            }
            let root = "/api/2.0/mlflow"
            @Sendable func make(_ token: String, _ name: String) async throws -> TestServer.Answer {
                try await send(token, .post, "\(root)/experiments/create", #"{"name": "\#(name)"}"#)
            }
            let other = try #require(try await make(admin, "other").json?["experiment_id"]?.string)
            let own = try #require(try await make(scoped, "team-a/x").json?["experiment_id"]?.string)
            #expect(try await make(scoped, "team-ab").status == 404)
            #expect(try await make(scoped, "team-a").status == 200)
            // What is hidden and what does not exist are one answer.
            let hidden = try await send(scoped, .get, "\(root)/experiments/get?experiment_id=\(other)")
            let missing = try await send(scoped, .get, "\(root)/experiments/get?experiment_id=999")
            #expect(hidden.status == 404)
            #expect(hidden.text.replacing(other, with: "N") == missing.text.replacing("999", with: "N"))
            let run = try #require(
                try await send(admin, .post, "\(root)/runs/create", #"{"experiment_id": "\#(other)"}"#).json?["run"]?[
                    "info"
                ]?["run_id"]?.string
            )
            #expect(try await send(scoped, .get, "\(root)/runs/get?run_id=\(run)").status == 404)
            #expect(try await send(scoped, .get, "/runs/\(run)").status == 404)
            let log = #"{"run_id": "\#(run)", "key": "m", "value": 1, "timestamp": 1}"#
            #expect(try await send(scoped, .post, "\(root)/runs/log-metric", log).status == 404)
            let mine = try await send(scoped, .post, "\(root)/runs/create", #"{"experiment_id": "\#(own)"}"#)
            #expect(mine.status == 200)
            let found = try await send(
                scoped,
                .post,
                "\(root)/runs/search",
                #"{"experiment_ids": ["\#(own)", "\#(other)"]}"#
            )
            #expect(found.json?["runs"]?.elements?.count == 1)
            let experiments = try await send(scoped, .get, "\(root)/experiments/search?max_results=10")
            #expect(experiments.json?["experiments"]?.elements?.count == 2)
            #expect(try await send(scoped, .get, "/runs").json?["count"]?.integer == 1)
            for name in ["credit-2", "other"] {
                let made = try await send(admin, .post, "\(root)/registered-models/create", #"{"name": "\#(name)"}"#)
                #expect(made.status == 200)
            }
            #expect(try await send(scoped, .get, "\(root)/registered-models/get?name=other").status == 404)
            #expect(try await send(scoped, .get, "/models").json?["items"]?.elements?.count == 1)
            // A version made of a run that one may not see would hand out its files.
            let stolen = #"{"name": "credit-2", "source": "runs:/\#(run)/model", "run_id": "\#(run)"}"#
            #expect(try await send(scoped, .post, "\(root)/model-versions/create", stolen).status == 404)
            #expect(try await send(scoped, .get, "/audit").status == 403)
            #expect(try await send(scoped, .get, "/audit?subject=credit-2").status == 200)
            #expect(try await send(scoped, .get, "/audit?subject=other").status == 404)
        }
    }

    @Test func `a token may do no more than its limit and no more than its account`() async throws {
        let server = try await TestServer()
        let grants = [Grant(role: .writer, scope: .everything)]
        let reads = try await server.addAccount("kim", grants, TokenLimit(permissions: PermissionSet([.read])))
        let wide = try await server.addAccount(
            "min",
            grants,
            TokenLimit(permissions: PermissionSet([.administer, .read]))
        )
        let one = try await server.addAccount("lee", grants, TokenLimit(scopes: [.model(ByteText("credit"))]))
        try await server.api(.accounts) { client async throws -> Void in
            @Sendable func status(_ token: String, _ method: HTTPRequest.Method, _ path: String) async throws -> Int {
                let headers: HTTPFields = [.contentType: "application/json", .authorization: "Bearer \(token)"]
                return try await client.send(method, path, headers: headers, body: method == .get ? nil : "{}").status
            }
            #expect(try await status(reads, .get, "/runs") == 200)
            #expect(try await status(reads, .post, "/api/2.0/mlflow/runs/create") == 403)
            #expect(try await status(reads, .post, "/tokens") == 403)
            #expect(try await status(wide, .get, "/webhooks") == 403)
            #expect(try await status(one, .post, "/models/other/predict") == 404)
            #expect(try await status(one, .post, "/api/2.0/mlflow/runs/create") == 404)
        }
    }

    @Test func `accounts that another process changes hold a moment later on open connections`() async throws {
        let server = try await TestServer()
        let token = try await server.addAccount("kim", [Grant(role: .viewer, scope: .everything)])
        let accounts = try await server.accounts()
        try await server.api(.accounts) { client async throws -> Void in
            let headers: HTTPFields = [.authorization: "Bearer \(token)"]
            #expect(try await client.get("/runs", headers: headers).status == 200)
            let id = try #require(AccessToken(parsing: token)).id
            try await accounts.revokeToken(id, of: nil, by: Actor(name: "test"))
            try await Self.until { try await client.get("/runs", headers: headers).status == 401 }
        }
    }

    /// Waits for something that has to come within two seconds.
    private static func until(_ holds: () async throws -> Bool) async throws {
        for _ in 0..<40 {
            if try await holds() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("it did not come within two seconds")
    }

    @Test func `the trail names accounts, and refused moves are lines of it`() async throws {
        let server = try await TestServer()
        let token = try await server.addAccount("kim", [Grant(role: .viewer, scope: .everything)])
        let admin = try await server.addAccount("root", [Grant(role: .admin, scope: .everything)])
        try await server.api(.accounts) { client async throws -> Void in
            var headers: HTTPFields = [.contentType: "application/json", .authorization: "Bearer \(token)"]
            #expect(try await client.send(.post, "/models/credit/force", headers: headers, body: "{}").status == 403)
            headers[.authorization] = "Bearer \(admin)"
            let body = #"{"name": "ci", "kind": "service", "actor": "somebody"}"#
            let said = try #require(HTTPField.Name("X-BalanceOps-Actor"))
            headers[said] = "somebody"
            #expect(try await client.send(.post, "/users", headers: headers, body: body).errorCode == "ACTOR_MISMATCH")
            headers[said] = nil
            #expect(try await client.send(.post, "/users", headers: headers, body: body).status == 200)
            let lines = try #require(try await client.get("/audit", headers: headers).json?["items"]?.elements)
            let refused = try #require(lines.first { $0["action"]?.string == "access refused" })
            #expect(refused["actor"]?.string == "kim")
            #expect(refused["account_id"]?.string?.count == 32)
            #expect(refused["token_id"]?.string == AccessToken(parsing: token)?.id)
            #expect(try await client.get("/audit/verify", headers: headers).json?["ok"]?.boolean == true)
        }
    }
}
