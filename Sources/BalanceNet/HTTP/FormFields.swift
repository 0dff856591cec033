import Foundation

/// The fields of a form in a query or a body (`application/x-www-form-urlencoded`), in their order.
package struct FormFields: Sendable {
    package let pairs: [(name: String, value: String)]

    /// Reads what stands behind the `?`; `+` is a space, and a part that is not UTF-8 stays as it is.
    package init(_ text: some StringProtocol) {
        pairs = text.split(separator: "&").map { part in
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.decoded(halves[0]), halves.count == 2 ? Self.decoded(halves[1]) : "")
        }
    }

    /// The last value of a name, or nil.
    package subscript(_ name: String) -> String? { pairs.last { $0.name == name }?.value }

    private static func decoded(_ text: some StringProtocol) -> String {
        let spaced = text.replacingOccurrences(of: "+", with: " ")
        return spaced.removingPercentEncoding ?? spaced
    }
}
