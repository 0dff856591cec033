import AsyncHTTPClient
import BalanceCore
import Foundation
import NIOCore
import NIOHTTP1

/// A server's API over HTTP.
struct APIClient: API {
    let baseURL: String
    var timeout: TimeAmount = .seconds(3)
    /// Whom the audit trail of a server without accounts names.
    var actor: String?

    init(baseURL: String, timeout: TimeAmount = .seconds(3), actor: String? = nil) {
        // A URL that is copied from a browser often ends so.
        self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
        self.timeout = timeout
        self.actor = actor
    }

    /// Connections that are refused fail at once instead of being tried until the time is over.
    static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// What proves who sends the requests (BALANCEOPS_TOKEN).
    static let token = ProcessInfo.processInfo.environment["BALANCEOPS_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }

    func send(_ asked: APIRequest) async throws -> APIAnswer {
        try check()
        var request = HTTPClientRequest(url: baseURL + asked.path)
        request.method = .init(rawValue: asked.method)
        request.headers.add(name: "Accept", value: "application/json")
        if let token = Self.token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let actor { request.headers.add(name: "X-BalanceOps-Actor", value: actor) }
        switch asked.body {
        case .none: break
        case .json(let value):
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: value.bytes()))
        case .file(let path):
            let file = try FileChunks(path)
            request.body = .stream(file, length: .known(Int64(file.size)))
        }
        do {
            let response = try await Self.http.execute(request, timeout: timeout)
            let buffer = try await response.body.collect(upTo: asked.limit)
            return APIAnswer(status: Int(response.status.code), bytes: Array(buffer.readableBytesView))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(
                .unavailable,
                "cannot reach the API at \(baseURL): \(Self.reason(error))",
                hint: "start one with balanceops serve, or check the URL",
                cause: error
            )
        }
    }

    func send(_ method: String, _ path: String, body: JSONValue? = nil) async throws -> APIAnswer {
        try await send(APIRequest(method, path, body: body))
    }

    /// Why a request did not arrive, in words.
    private static func reason(_ error: any Error) -> String {
        let timeouts: [HTTPClientError] = [.deadlineExceeded, .connectTimeout, .readTimeout]
        if let error = error as? HTTPClientError, timeouts.contains(error) { return "no answer in time" }
        if error is NIOTooManyBytesError { return "the answer is too large" }
        let text = "\(error)"
        return text.lowercased().contains("refused") ? "the connection was refused" : String(text.prefix(200)).oneLine
    }

    /// Throws `Failure` with code `invalidArgument` where the address is none.
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
            return .success(try await value("GET", "/version"))
        } catch {
            return .failure(Failure.from(error))
        }
    }
}
