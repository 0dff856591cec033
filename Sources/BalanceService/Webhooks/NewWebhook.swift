package import BalanceCore
import BalanceSystem

extension Webhook {
    /// A new webhook, with a secret of its own where none is given.
    ///
    /// - Throws: `Failure` with code `invalidParameter`.
    package init(
        url: String,
        format: String?,
        secret: String?,
        model: String?,
        actions: [String]
    ) throws {
        if let unknown = actions.first(where: { AuditAction(rawValue: $0) == nil }) {
            throw Failure(
                .invalidParameter,
                "unknown action '\(unknown.prefix(60))'",
                hint: "use one of \(AuditAction.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        guard let format = Format(rawValue: format ?? "json") else {
            throw Failure(.invalidParameter, "invalid webhook format '\(format ?? "")'", hint: "use json or slack")
        }
        if let secret, !(16...500).contains(secret.utf8.count) {
            throw Failure(.invalidParameter, "a webhook secret has 16 to 500 bytes", hint: "omit it to generate one")
        }
        var random = SystemRandomNumberGenerator()
        let fresh = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }.hexadecimal
        self.init(
            id: "wh-" + (0..<8).map { _ in UInt8.random(in: 0...255, using: &random) }.hexadecimal,
            url: url,
            format: format,
            secret: secret ?? fresh,
            model: model,
            actions: actions,
            createdAt: .now()
        )
    }
}
