import BalanceCore
import BalanceNet
import BalanceTestSupport
import Foundation
import HTTPTypes
import Testing

@testable import BalanceCommands

/// Every endpoint, asked wrongly over the router: a documented status, in the form that the callers of its path know.
struct EndpointTests {
    /// What a failure has in each dialect.
    private static func isInForm(_ answer: TestServer.Answer, _ path: String) -> Bool {
        let type = answer.headers[.contentType] ?? ""
        if type.hasPrefix("text/html") { return path == "/" || path.hasPrefix("/ui") }
        guard type == "application/json", let json = answer.json else { return false }
        switch FailureDialect(path: path) {
        case .mlflow, .scoring: return json["error_code"]?.string != nil && json["message"]?.string?.isEmpty == false
        case .inference: return json["error"]?.string?.isEmpty == false
        case .native, .page:
            return json["ok"]?.boolean == false && answer.errorCode.flatMap(Failure.Code.init) != nil
                && json["error"]?["message"]?.string?.isEmpty == false && json["request_id"]?.string != nil
        }
    }

    @Test func `a wrong request to any endpoint is told in its dialect, with a status of the document`() async throws {
        try await TestServer().api { client in
            let document = try #require(try await client.get("/openapi.json").json)
            var asked = 0
            for (path, operations) in document["paths"]?.members ?? [] {
                for (name, operation) in operations.members ?? [] {
                    let method = try #require(HTTPRequest.Method(rawValue: name.uppercased()))
                    let place = path.replacing(/\{\w+\}/, with: "no-such-thing")
                    let answer = try await client.send(
                        method,
                        place,
                        headers: method == .get ? [:] : [.contentType: "application/json"],
                        body: method == .get ? nil : "{"
                    )
                    asked += 1
                    let statuses = operation["responses"]?.members?.map(\.0) ?? []
                    let isTold =
                        statuses.contains(String(answer.status)) || answer.status >= 500 && statuses.contains("5XX")
                    #expect(isTold, "\(name) \(place): \(answer.status) is not in \(statuses)")
                    guard answer.status >= 400 else { continue }
                    #expect(
                        answer.status < 500 || [501, 503].contains(answer.status),
                        "\(name) \(place): \(answer.text)"
                    )
                    #expect(
                        Self.isInForm(answer, place),
                        "\(name) \(place): \(answer.status) \(answer.text.prefix(300))"
                    )
                }
            }
            #expect(asked > 200)
        }
    }

    @Test(arguments: ["/v2", "/api/2.0/mlflow/runs/get", "/invocations", "/runs", "/ui/models"])
    func `another method is refused with those that are allowed`(path: String) async throws {
        try await TestServer().api { client in
            let answer = try await client.send(path == "/invocations" ? .get : .put, path)
            #expect(answer.status == 405)
            #expect(answer.headers[.allow]?.isEmpty == false, "\(answer.headers)")
            #expect(Self.isInForm(answer, path), "\(answer.text)")
        }
    }
}
