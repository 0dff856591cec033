/// One thing that is wrong with a request, in the shape that clients of the original know: where, what, and the input.
package struct ValidationIssue {
    package var type: String
    package var location: [JSONValue]
    package var message: String
    package var input: JSONValue

    package init(type: String, location: [JSONValue], message: String, input: JSONValue = .null) {
        self.type = type
        self.location = location
        self.message = message
        self.input = input
    }

    package var json: JSONValue {
        .object([
            ("type", .string(type)), ("loc", .array(location)), ("msg", .string(message)), ("input", input),
        ])
    }
}

extension Failure {
    /// The 422 that names every wrong field.
    package static func validation(_ issues: [ValidationIssue], hint: String? = nil) -> Failure {
        Failure(.validation, "Invalid request.", hint: hint, details: .array(issues.map(\.json)))
    }
}
