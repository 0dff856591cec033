import BalanceCore
import Foundation

/// What commands print: data on standard output, everything else on standard error.
enum Output {
    /// A line of the answer.
    static func line(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    /// A line with the mark of success.
    static func ok(_ text: String) { line("[OK] \(text)") }

    /// A line for people, beside the answer.
    static func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

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
