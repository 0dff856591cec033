import BalanceCore
import BalanceNet
import Foundation
import HTTPTypes
import Hummingbird

extension Actor {
    /// Who a request comes from: the account that proved it.
    ///
    /// Without accounts it is whom the request names: in the field `X-BalanceOps-Actor`, else as the user of HTTP's basic
    /// authentication, as MLflow's client sends it.
    ///
    /// - Throws: `Failure` with code `actorMismatch`.
    init(_ request: Request, _ context: AppContext, otherwise standard: String) throws {
        let named = HTTPField.Name("X-BalanceOps-Actor").flatMap { request.headers[$0] }
        let said = named ?? (context.principal.isChecked ? nil : Self.user(request))
        let name = said.flatMap { $0.isOneLine && !$0.isEmpty && $0.utf8.count <= 200 ? $0 : nil }
        self = try context.actor(saying: name, otherwise: standard)
    }

    private static func user(_ request: Request) -> String? {
        let parts = request.headers[.authorization]?.split(separator: " ") ?? []
        guard parts.count == 2, parts[0].lowercased() == "basic", parts[1].utf8.count <= 1000,
            let data = Data(base64Encoded: String(parts[1])), let text = String(data: data, encoding: .utf8)
        else { return nil }
        return text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init)
    }
}
