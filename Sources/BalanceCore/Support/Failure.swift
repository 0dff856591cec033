/// An error that says what went wrong and what to do next.
///
/// Every error that reaches a user is a `Failure`. ``code`` decides the HTTP status, MLflow's error code and
/// the exit status (see ``Code/row``); ``message`` and ``hint`` are for people and may change between releases.
package struct Failure: Error, Sendable {
    /// The kind of failure, for programs.
    package var code: Code
    /// What went wrong, with the names that the user gave.
    package var message: String
    /// The next thing to try, ready to paste where it is a command.
    package var hint: String?
    /// Facts about the failure that a program can read.
    package var details: JSONValue?
    /// The error that led to this one; it is logged and never shown to a client.
    package var cause: (any Error)?

    package init(
        _ code: Code,
        _ message: String,
        hint: String? = nil,
        details: JSONValue? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.details = details
        self.cause = cause
    }

    /// The failure inside any error: itself, or an internal error that names no more than the error's type.
    package static func from(_ error: any Error) -> Failure {
        if let failure = error as? Failure { return failure }
        let type = JSONValue.object([("type", .string("\(Swift.type(of: error))"))])
        return Failure(.internalError, "Unexpected server error.", details: type, cause: error)
    }
}

extension Failure: CustomStringConvertible {
    package var description: String {
        hint.map { "\(message)\n  try: \($0)" } ?? message
    }
}

extension Failure {
    /// The message for a caller of the network: of a failure of the server's, files are named without their folders.
    package var publicMessage: String {
        let namesFiles = code.row.status >= 500 || code == .modelFileMissing || code == .modelNotReadable
        return namesFiles ? Self.withoutFolders(message) : message
    }

    /// A text in which absolute paths are names alone.
    package static func withoutFolders(_ text: String) -> String {
        guard text.contains("/") else { return text }
        return text.split(separator: " ", omittingEmptySubsequences: false).map { word in
            let start = word.firstIndex { !"'\"(".contains($0) } ?? word.startIndex
            guard word[start...].hasPrefix("/"), let slash = word.lastIndex(of: "/"), slash > start else {
                return String(word)
            }
            return String(word[..<start] + word[word.index(after: slash)...])
        }.joined(separator: " ")
    }
}
