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

    /// What proves who sends the requests (BALANCEOPS_TOKEN).
    private static let token = ProcessInfo.processInfo.environment["BALANCEOPS_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }

    /// The server that commands act on (BALANCEOPS_SERVER).
    static let server = ProcessInfo.processInfo.environment["BALANCEOPS_SERVER"].flatMap { $0.isEmpty ? nil : $0 }

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
        if let token = Self.token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
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

    /// What a server answers to a request that goes well.
    ///
    /// - Throws: The `Failure` that it answers with otherwise.
    func value(_ method: String, _ path: String, body: JSONValue? = nil) async throws -> JSONValue {
        let answer: Answer
        do {
            answer = try await send(method, path, body: body)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.unavailable, "cannot reach the server at \(baseURL)", hint: "balanceops serve", cause: error)
        }
        if answer.isSuccess { return answer.json ?? .null }
        let error = answer.json?["error"]
        let code = error?["code"]?.string.flatMap(Failure.Code.init) ?? .unavailable
        let message = error?["message"]?.string ?? answer.json?["message"]?.string ?? "HTTP \(answer.status)"
        throw Failure(code, message, hint: error?["hint"]?.string)
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
