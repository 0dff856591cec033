import BalanceService
import BalanceAPI
import BalanceCore
import BalanceTestSupport
import Foundation
import HTTPTypes
import Testing

@testable import BalanceCommands

struct NativeAPITests {
    @Test func `an empty workspace answers with what to do next`() async throws {
        try await TestServer().api { client in
            #expect(try await client.get("/health").text == #"{"status":"ok"}"#)
            #expect(try await client.get("/model").text == "{}")
            #expect(try await client.get("/runs").text == #"{"items":[],"limit":20,"offset":0,"count":0}"#)
            let latest = try await client.get("/runs/latest")
            #expect(latest.status == 404)
            #expect(latest.errorCode == "RUN_NOT_FOUND")
            #expect(latest.json?["error"]?["hint"]?.string?.contains("demo-run") == true)
            let predict = try await client.predict(#"{"features":[1]}"#)
            #expect(predict.status == 404)
            #expect(predict.errorCode == "NO_CURRENT_MODEL")
            let version = try #require(try await client.get("/version").json)
            #expect(version["service"]?.string == "balanceops-api")
            #expect(version["expected_n_features"]?.integer == 8)
        }
    }

    @Test func `a trained model is promoted and answers`() async throws {
        let server = try await TestServer()
        try await server.api { client in
            let workspace = try await Workspace.open(server.settings)
            let report = try await DummyTraining(seed: 3).run(in: workspace, promotes: true)
            let answer = try await client.predict(#"{"features":[0,0,0,0,0,0,0,0]}"#)
            #expect(answer.status == 200)
            #expect(answer.json?["p_win"]?.number.map { $0 > 0 && $0 < 1 } == true)
            let wrong = try await client.predict(#"{"features":[1,2]}"#)
            #expect(wrong.status == 400)
            #expect(wrong.json?["error"]?["details"]?.text() == #"{"expected_n_features":8,"got_n_features":2}"#)
            let model = try #require(try await client.get("/model").json)
            #expect(model.members?.map(\.0) == ["name", "stage", "run_id", "path", "created_at", "metrics_json"])
            let run = try #require(try await client.get("/runs/\(report.runID)").json)
            #expect(
                run.members?.map(\.0)
                    == ["run_id", "created_at", "git", "note", "params", "metrics", "artifacts", "manifest"]
            )
            #expect(run["params"]?["kind"]?.string == "train_dummy")
            #expect(
                run["artifacts"]?.elements?.compactMap { $0["kind"]?.string } == ["model_candidate", "model_current"]
            )
            let item = try #require(try await client.get("/runs?limit=1").json?["items"]?.elements?.first)
            #expect(
                item.members?.map(\.0) == ["run_id", "created_at", "git", "note", "kind", "metrics", "run_dir_name"]
            )
            #expect(try await client.get("/runs/latest").json?["run_id"]?.string == report.runID.native)
            #expect(try await client.get("/runs?include_metrics=false").text.contains("bal_acc") == false)
        }
    }

    @Test(arguments: [
        ("", "missing"), ("{", "json_invalid"), ("[]", "model_attributes_type"), ("{}", "missing"),
        (#"{"features":1}"#, "list_type"), (#"{"features":[null]}"#, "float_type"),
        (#"{"features":["x"]}"#, "float_parsing"), (#"{"features":[1e999]}"#, "finite_number"),
        (#"{"features":["nan"]}"#, "finite_number"), (#"{"features":[[1]]}"#, "float_type"),
        (#"{"features":[NaN]}"#, "json_invalid"), (#"{"features":{}}"#, "list_type"),
    ])
    func `a wrong body is refused with what is wrong and where`(body: String, type: String) async throws {
        try await TestServer().api { client in
            let answer = try await client.predict(body)
            #expect(answer.status == 422)
            #expect(answer.errorCode == "VALIDATION_ERROR")
            let detail = try #require(answer.json?["error"]?["details"]?.elements?.first)
            #expect(detail["type"]?.string == type)
            #expect(detail["loc"]?.elements?.first?.string == "body")
        }
    }

    @Test(arguments: [
        ("/runs?limit=0", "greater_than_equal"), ("/runs?limit=201", "less_than_equal"),
        ("/runs?limit=x", "int_parsing"),
        ("/runs?offset=-1", "greater_than_equal"), ("/runs?include_metrics=maybe", "bool_parsing"),
        ("/runs?offset=99999999999999999999", "int_parsing_size"), ("/runs?limit=", "int_parsing"),
    ])
    func `a wrong parameter is refused by its name`(path: String, type: String) async throws {
        try await TestServer().api { client in
            let answer = try await client.get(path)
            #expect(answer.status == 422)
            #expect(answer.json?["error"]?["details"]?.elements?.first?["type"]?.string == type)
        }
    }

    @Test(arguments: [
        ("metrics.acc%20%3E%200.6", 1), ("NOT%20(metrics.acc%20%3E%200.6)", 1),
        ("metrics.acc%20%3E%200.6%20OR%20params.kind%20=%20'a'", 2), ("metrics.none%20%3E%200", 0), ("", 2),
    ])
    func `runs are filtered in the extended form`(filter: String, count: Int) async throws {
        let server = try await TestServer()
        let workspace = try await Workspace.open(server.settings)
        for (kind, accuracy) in [("a", 0.5), ("b", 0.7)] {
            let recorder = RunRecorder(workspace: workspace, kind: kind)
            try await recorder.begin(params: .object([("kind", .string(kind))]), note: "n")
            _ = try await recorder.finish(metrics: [Metric("acc", accuracy)])
        }
        try await server.api { client in
            let answer = try await client.get("/runs?filter=\(filter)")
            #expect(answer.json?["count"]?.integer == count)
            let wrong = try await client.get("/runs?filter=metrics.acc%20%3E%20'x'")
            #expect(wrong.status == 400)
            #expect(wrong.errorCode == "INVALID_PARAMETER_VALUE")
        }
    }

    @Test func `every error has the one shape and the caller's request id`() async throws {
        try await TestServer().api { client in
            let headers: HTTPFields = [.requestID: "mine-1"]
            for (method, path, status) in [
                (HTTPRequest.Method.get, "/nowhere", 404), (.delete, "/runs", 405), (.put, "/predict", 405),
                (.get, "/runs/unknown", 404), (.get, "/runs/..%2f..%2fetc", 404), (.get, "/ui/assets/none.js", 404),
                (.post, "/openapi.json", 405),
            ] {
                let answer = try await client.send(method, path, headers: headers)
                #expect(answer.status == status, "\(method) \(path)")
                #expect(answer.headers[.requestID] == "mine-1")
                #expect(answer.json?["ok"]?.boolean == false)
                #expect(answer.json?["request_id"]?.string == "mine-1")
                #expect(answer.json?["error"]?["message"]?.string != nil)
            }
        }
    }

    @Test func `a request without an id gets one`() async throws {
        try await TestServer().api { client in
            let first = try await client.get("/health").headers[.requestID]
            let second = try await client.get("/health").headers[.requestID]
            #expect(first?.count == 36)
            #expect(first != second)
        }
    }

    @Test func `a body over the limit is refused`() async throws {
        try await TestServer().api { client in
            let body = #"{"features":["# + String(repeating: "1,", count: 600_000) + "1]}"
            let answer = try await client.predict(body)
            #expect(answer.status == 413)
            #expect(answer.errorCode == "BODY_TOO_LARGE")
        }
    }

    @Test func `a strange host is refused but for the health check`() async throws {
        let headers: HTTPFields = [.init("Host") ?? .via: "evil.example"]
        try await TestServer().api { client in
            let answer = try await client.get("/model", headers: headers)
            #expect(answer.status == 403)
            #expect(answer.errorCode == "HOST_NOT_ALLOWED")
            #expect(answer.json?["error"]?["hint"]?.string?.contains("BALANCEOPS_ALLOWED_HOSTS") == true)
            #expect(try await client.get("/health", headers: headers).status == 200)
        }
        try await TestServer(allowedHosts: "api, evil.example").api { client in
            let answer = try await client.get("/model", headers: headers)
            #expect(answer.status == 200)
        }
    }

    @Test func `every route that answers is in the OpenAPI document`() async throws {
        let server = try await TestServer()
        let builder = try await ServerBuilder(workspace: Workspace.open(server.settings))
        let document = try await server.api { try #require(try await $0.get("/openapi.json").json) }
        #expect(document["openapi"]?.string == "3.1.0")
        let routes = builder.apiRouter().router.routes
        #expect(routes.count > 10)
        for route in routes {
            let path = route.path.description.split(separator: "/").map { segment in
                segment == "**" ? "{path}" : segment.hasPrefix(":") ? "{\(segment.dropFirst())}" : String(segment)
            }
            let operation = document["paths"]?["/" + path.joined(separator: "/")]?[route.method.rawValue.lowercased()]
            #expect(operation != nil, "\(route.method) \(route.path)")
        }
    }

    @Test func `a database of the original is served as it was`() async throws {
        let server = try await TestServer(database: "original.db")
        try OriginalDatabase.make(at: server.folder("original.db"))
        try await server.api { client in
            let items = try #require(try await client.get("/runs").json?["items"]?.elements)
            #expect(items.count == 3)
            let expected =
                #"{"run_id":"11111111-1111-4111-8111-111111111111","created_at":"2026-02-16T19:46:48+00:00","#
                + #""git":{"commit":"abc","branch":"main","dirty":true},"note":"메모 <b>","kind":"train_dummy","#
                + #""metrics":{"bal_acc":0.75}}"#
            #expect(items[1].text() == expected)
            let old = try await client.get("/runs/an%20old%20id%20of%20no%20form")
            #expect(old.status == 200)
            let model = try #require(try await client.get("/model").json)
            #expect(model["metrics_json"]?.string == #"{"bal_acc": 0.75, "recall_1": 0.7}"#)
            #expect(try await client.predict(#"{"features":[1]}"#).errorCode == "NO_CURRENT_MODEL")
        }
    }
}
