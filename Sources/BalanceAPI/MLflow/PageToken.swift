import BalanceCore
import Foundation

/// Where the next page of a list begins, opaque to clients: a place of the store in base64.
enum PageToken {
    static func text(_ place: String) -> String { Data(place.utf8).base64EncodedString() }

    /// - Throws: `Failure` with code `invalidParameter` for a token that is none.
    static func place(_ text: String?) throws -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard text.utf8.count < 1 << 20, let data = Data(base64Encoded: text),
            let place = String(data: data, encoding: .utf8)
        else { throw Failure(.invalidParameter, "Invalid page token, could not base64-decode") }
        return place
    }
}
