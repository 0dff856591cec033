import BalanceCore
import Foundation
import HTTPTypes
import Hummingbird

extension Actor {
    /// Who a request names: the field `X-BalanceOps-Actor`, else the user of HTTP's basic authentication, as MLflow's client sends it.
    ///
    /// Nobody checks it as long as there are no accounts.
    init(_ request: Request, requestID: String, otherwise standard: String) {
        let named = HTTPField.Name("X-BalanceOps-Actor").flatMap { request.headers[$0] } ?? Self.user(request)
        let name = named.flatMap { $0.isOneLine && !$0.isEmpty && $0.utf8.count <= 200 ? $0 : nil }
        self.init(name: name ?? standard, requestID: requestID)
    }

    private static func user(_ request: Request) -> String? {
        let parts = request.headers[.authorization]?.split(separator: " ") ?? []
        guard parts.count == 2, parts[0].lowercased() == "basic", parts[1].utf8.count <= 1000,
            let data = Data(base64Encoded: String(parts[1])), let text = String(data: data, encoding: .utf8)
        else { return nil }
        return text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init)
    }
}
