import BalanceCore
import Foundation

/// What answers requests to our API: a server, or the files by the same endpoints.
protocol API: Sendable {
    /// Sends one request.
    ///
    /// Throws `Failure` where nothing answers; what the API refuses is an answer.
    func send(_ request: APIRequest) async throws -> APIAnswer
}

/// A request to our API.
struct APIRequest: Sendable {
    enum Body: Sendable {
        case none
        case json(JSONValue)
        /// The bytes of a file, as they are.
        case file(String)
    }

    var method: String
    /// With its query.
    var path: String
    var body = Body.none
    /// The most bytes that are read of the answer.
    var limit = 16 << 20

    init(_ method: String, _ path: String, body: JSONValue? = nil) {
        self.method = method
        self.path = path
        if let body { self.body = .json(body) }
    }
}

/// An answer: its status, its bytes, and the failure that it tells of.
struct APIAnswer: Sendable {
    var status: Int
    var bytes: [UInt8]
    /// Where the files answer, the failure itself.
    var thrown: Failure?

    var isSuccess: Bool { (200..<300).contains(status) }
    var text: String { String(decoding: bytes, as: UTF8.self) }
    var json: JSONValue? { try? JSONValue(parsing: bytes) }

    /// nil where all went well.
    var failure: Failure? {
        if let thrown { return thrown }
        if isSuccess { return nil }
        let (json, error) = (json, json?["error"])
        let message = error?["message"]?.string ?? json?["message"]?.string ?? json?["detail"]?.string
        return Failure(
            error?["code"]?.string.flatMap(Failure.Code.init) ?? Self.code(json?["error_code"]?.string, status),
            message ?? "the server answered HTTP \(status): \(String(text.prefix(200)).oneLine)",
            hint: error?["hint"]?.string,
            details: error?["details"]
        )
    }

    /// The code behind an error of MLflow's dialect, or of a server that is none of ours.
    private static func code(_ name: String?, _ status: Int) -> Failure.Code {
        switch name {
        case "RESOURCE_DOES_NOT_EXIST": .resourceNotFound
        case "RESOURCE_ALREADY_EXISTS": .alreadyExists
        case "INVALID_PARAMETER_VALUE": .invalidParameter
        case "UNAUTHENTICATED": .unauthenticated
        case "PERMISSION_DENIED": .permissionDenied
        default: status == 404 ? .notFound : .unavailable
        }
    }
}

extension API {
    /// What is answered to a request that goes well.
    ///
    /// Throws the `Failure` that is answered otherwise.
    func value(_ method: String, _ path: String, body: JSONValue? = nil) async throws -> JSONValue {
        try await value(APIRequest(method, path, body: body))
    }

    func value(_ request: APIRequest) async throws -> JSONValue {
        let answer = try await send(request)
        if let failure = answer.failure { throw failure }
        return answer.json ?? .null
    }

    /// All elements of a list in MLflow's dialect, page by page, at most `limit`.
    func pages(
        _ path: String,
        _ member: String,
        _ fields: [(String, JSONValue)],
        limit: Int
    ) async throws -> [JSONValue] {
        var found: [JSONValue] = []
        var token: String?
        repeat {
            var body = fields + [("max_results", .int(min(limit - found.count, 1000)))]
            if let token { body.append(("page_token", .string(token))) }
            let answer = try await value("POST", path, body: .object(body))
            found += answer[member]?.elements ?? []
            token = answer["next_page_token"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        } while token != nil && found.count < limit
        return found
    }
}
