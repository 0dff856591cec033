import BalanceCore
import Foundation

/// Where the next page of a list begins; opaque to clients.
enum PageToken {
    static func text(offset: Int) -> String {
        Data(JSONValue.object([("offset", .int(offset))]).bytes()).base64EncodedString()
    }

    /// - Throws: `Failure` with code `invalidParameter` for a token that is not ours.
    static func offset(_ text: String?) throws -> Int {
        guard let text, !text.isEmpty else { return 0 }
        guard text.utf8.count < 1000, let data = Data(base64Encoded: text),
            let value = try? JSONValue(parsing: Array(data)), let offset = value["offset"]?.integer,
            (0...1_000_000_000).contains(offset)
        else { throw Failure(.invalidParameter, "Invalid page token, could not base64-decode") }
        return offset
    }
}
