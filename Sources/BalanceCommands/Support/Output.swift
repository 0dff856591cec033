import BalanceCore
import Foundation

/// What commands print: data on standard output, everything else on standard error.
enum Output {
    /// A line of the answer.
    static func line(_ text: String) {
        write(text, to: STDOUT_FILENO)
    }

    /// A line with the mark of success.
    static func ok(_ text: String) { line("[OK] \(text)") }

    /// A line for people, beside the answer.
    static func note(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Writes a line; a reader that went away or a full disk behind a redirection ends the writing and nothing else.
    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array((text + "\n").utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// One JSON value as the whole answer.
    static func json(_ value: JSONValue) { line(value.text(pretty: true)) }

    /// A failure, in words or as JSON.
    static func failure(_ failure: Failure, asJSON: Bool) {
        if asJSON {
            var error: [(String, JSONValue)] = [
                ("code", .string(failure.code.rawValue)), ("message", .string(failure.message)),
            ]
            if let hint = failure.hint { error.append(("hint", .string(hint))) }
            return note(JSONValue.object([("ok", .bool(false)), ("error", .object(error))]).text())
        }
        note("[ERR] \(failure.message)")
        if let hint = failure.hint { note("      try: \(hint)") }
    }

    /// Metrics as the original prints them: a Python dict.
    static func dict(_ metrics: [Metric]) -> String {
        "{" + metrics.map { "'\($0.key)': \($0.value)" }.joined(separator: ", ") + "}"
    }
}
