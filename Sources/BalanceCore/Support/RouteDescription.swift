/// A route as the OpenAPI document tells it; whoever adds a route describes it.
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
    /// The name of the body's schema, where the route takes a body.
    package var body: String?
    /// The name of the answer's schema; nil for an answer that is no JSON.
    package var answer: String?
    package var contentType: String
    /// The codes of the failures that it can answer with.
    package var failures: [Failure.Code]

    package init(
        _ method: String,
        _ path: String,
        _ summary: String,
        parameters: [Parameter] = [],
        body: String? = nil,
        answer: String? = nil,
        contentType: String = "application/json",
        failures: [Failure.Code] = []
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.parameters = parameters
        self.body = body
        self.answer = answer
        self.contentType = contentType
        self.failures = failures
    }

    /// Whether a request's path is one of this route's.
    package func matches(_ path: String) -> Bool {
        let ours = self.path.split(separator: "/")
        let theirs = path.split(separator: "/")
        // The last parameter of an artifact's route stands for the rest of the path.
        let isRest = ours.last == "{path}" && theirs.count > ours.count
        return (ours.count == theirs.count || isRest) && zip(ours, theirs).allSatisfy { $0 == $1 || $0.hasPrefix("{") }
    }
}
