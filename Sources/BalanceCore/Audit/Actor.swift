/// Who asks for a change; every call that changes or removes something for others names one.
package struct Actor: Sendable, Hashable {
    /// The account's name; where there are no accounts, as they say it themselves.
    package var name: String
    package var requestID: String?
    /// The id of the account that proved it; nil: nobody did.
    package var accountID: String?
    /// The id of the token that was shown.
    package var tokenID: String?
    /// The roles that approvals may count as; nil: those that tags of the model give the name.
    package var grants: [Grant]?

    package init(name: String, requestID: String? = nil) {
        self.name = name
        self.requestID = requestID
    }

    /// A principal; one that proved nothing goes by the name that it says.
    ///
    /// - Throws: `Failure` with code `actorMismatch` where a principal that did says another name.
    package init(_ principal: Principal, saying said: String?, otherwise standard: String, requestID: String?) throws {
        self.requestID = requestID
        guard principal.isChecked else {
            name = said.flatMap { $0.isEmpty ? nil : $0 } ?? standard
            return
        }
        if let said, !said.isEmpty, !ByteText.isSame(said, principal.name) {
            throw Failure(
                .actorMismatch,
                "the request names the actor '\(said.prefix(100))', but it is signed in as '\(principal.name)'",
                hint: "leave the actor out: with accounts it is who signed in"
            )
        }
        name = principal.name
        accountID = principal.id
        tokenID = principal.tokenID
        grants = principal.grants
    }
}
