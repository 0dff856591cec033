import AsyncHTTPClient
import BalanceCore
import Foundation
import NIOCore
import NIOHTTP1

/// A small client of our own API.
struct APIClient: Sendable {
    let baseURL: String
    var timeout: TimeAmount = .seconds(3)

    /// Connections that are refused fail at once instead of being tried until the time is over.
    static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// An answer: its status, its bytes, and the JSON in them if that is what they are.
    struct Answer: Sendable {
        var status: Int
        var text: String
        var json: JSONValue?
        var isSuccess: Bool { (200..<300).contains(status) }
    }

    /// Sends one request and reads an answer of at most 16 MiB.
    func send(_ method: String, _ path: String, body: JSONValue? = nil) async throws -> Answer {
        try check()
        var request = HTTPClientRequest(url: baseURL + path)
        request.method = .init(rawValue: method)
        request.headers.add(name: "Accept", value: "application/json")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body.bytes()))
        }
        let response = try await Self.http.execute(request, timeout: timeout)
        let buffer = try await response.body.collect(upTo: 16 << 20)
        let bytes = Array(buffer.readableBytesView)
        let text = String(decoding: bytes, as: UTF8.self)
        return Answer(status: Int(response.status.code), text: text, json: try? JSONValue(parsing: bytes))
    }

    /// - Throws: `Failure` with code `invalidArgument` where the address is none.
    func check() throws {
        let address = URLComponents(string: baseURL)
        let isHTTP = address?.scheme == "http" || address?.scheme == "https"
        guard isHTTP, address?.host?.isEmpty == false, (1...65535).contains(address?.port ?? 80) else {
            throw Failure(
                .invalidArgument,
                "invalid API URL '\(baseURL)'",
                hint: "use a URL such as http://127.0.0.1:8000, with a port up to 65535"
            )
        }
    }

    /// What `/version` says, or why it cannot be asked.
    func version() async -> Result<JSONValue, Failure> {
        do {
            let answer = try await send("GET", "/version")
            if answer.isSuccess, let json = answer.json { return .success(json) }
            let message = answer.json?["error"]?["message"]?.string ?? "HTTP \(answer.status)"
            return .failure(Failure(.unavailable, "\(baseURL) answered: \(message)"))
        } catch let failure as Failure {
            return .failure(failure)
        } catch {
            return .failure(
                Failure(.unavailable, "cannot reach the API at \(baseURL)", hint: "balanceops serve", cause: error)
            )
        }
    }
}
