package import BalanceCore

/// An endpoint as the OpenAPI document tells it.
package struct RouteDescription: Sendable {
    /// Where a parameter stands.
    package enum Place: String, Sendable { case path, query }

    /// A parameter of a route.
    package struct Parameter: Sendable {
        package var name: String
        package var place: Place
        /// Its JSON schema.
        package var schema: JSONValue

        package init(_ name: String, in place: Place, _ schema: [(String, JSONValue)]) {
            self.name = name
            self.place = place
            self.schema = .object(schema)
        }
    }

    package var method: String
    /// The path with its parameters in braces.
    package var path: String
    package var summary: String
    package var parameters: [Parameter]
    /// The name of the body's schema, where the route takes a body of JSON.
    package var body: String?
    /// The fields of a form that the route takes instead, each a text.
    package var form: [String]
    /// Whether the body is a file.
    package var takesFile: Bool
    /// The name of the answer's schema, or several of which one holds; empty for an answer that is no JSON.
    package var answers: [String]
    /// The media type of the answer; empty for one without a body that has a meaning.
    package var contentType: String
    /// The statuses of what went well, the usual one first; empty for what is only refused.
    package var success: [Int]
    /// The form of its failures.
    package var dialect: FailureDialect
    /// The codes of the failures that it can answer with.
    package var failures: [Failure.Code]

    /// `parameters` has those of the query, and those of the path that are not texts; the other ones of the path follow from
    /// it.
    package init(
        _ method: String,
        _ path: String,
        _ summary: String,
        parameters: [Parameter] = [],
        body: String? = nil,
        form: [String] = [],
        takesFile: Bool = false,
        answer: String? = nil,
        or alternatives: [String] = [],
        contentType: String = "application/json",
        success: [Int] = [200],
        dialect: FailureDialect? = nil,
        failures: [Failure.Code] = []
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        let named = Set(parameters.filter { $0.place == .path }.map(\.name))
        let others = Self.names(in: path).filter { !named.contains($0) }
        self.parameters = others.map { .init($0, in: .path, [("type", "string")]) } + parameters
        self.body = body
        self.form = form
        self.takesFile = takesFile
        self.answers = (answer.map { [$0] } ?? []) + alternatives
        self.success = success
        self.dialect = dialect ?? (contentType == "text/html" ? .page : FailureDialect(path: path))
        self.contentType = contentType
        self.failures = failures
    }

    /// Whether it reads what the client sends.
    package var readsBody: Bool { body != nil || !form.isEmpty || takesFile }

    /// Whether the last parameter stands for the rest of the address, as a file's path does.
    package var takesRest: Bool { path.hasSuffix("/{path}") }

    /// The names of the parameters in a path.
    private static func names(in path: String) -> [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }

    /// Whether a request's path is one of this route's.
    package func matches(_ path: String) -> Bool {
        let ours = self.path.split(separator: "/")
        let theirs = path.split(separator: "/")
        let isRest = takesRest && theirs.count > ours.count
        return (ours.count == theirs.count || isRest) && zip(ours, theirs).allSatisfy { $0 == $1 || $0.hasPrefix("{") }
    }
}

/// The form in which a failure is told; each family of clients knows its own.
package enum FailureDialect: Sendable {
    /// `{"ok": false, "error": {…}, "request_id"}`
    case native
    /// `{"error_code", "message"}`
    case mlflow
    /// The same with the statuses of MLflow's scoring server.
    case scoring
    /// `{"error"}`
    case inference
    /// A page for people.
    case page

    package init(path: String) {
        let files = ["/get-artifact", "/model-versions/get-artifact"]
        if path.hasPrefix("/api/") || path.hasPrefix("/ajax-api/") || files.contains(path) {
            self = .mlflow
        } else if path == "/v2" || path.hasPrefix("/v2/") {
            self = .inference
        } else {
            self = path.hasSuffix("/invocations") ? .scoring : .native
        }
    }

    /// The status of a failure.
    package func status(_ code: Failure.Code) -> Int {
        // MLflow's scoring server knows 400 for whatever is wrong with a request.
        self == .scoring && code.row.status == 422 ? 400 : code.row.status
    }
}
