/// A line of the audit trail: what was done, by whom and why.
///
/// Lines are only added. Each has the hash of the one before, so that a changed, missing or moved line breaks the chain.
package struct AuditEvent: Sendable, Hashable {
    /// From 1, without gaps.
    package var sequence: Int
    package var at: Timestamp
    /// The account's name; where there is no account, as they said it themselves.
    package var actor: String
    /// What was done, as `promoted`, `promotion refused` or `rolled back`.
    package var action: String
    /// The registered model, the policy or the webhook that it was done to.
    package var subject: String
    package var reason: String
    package var fromVersion: Int?
    package var toVersion: Int?
    package var runID: String?
    package var generationBefore: Int?
    package var generationAfter: Int?
    package var policyHash: String?
    package var requestID: String?
    /// The id of the account that did it; nil where nobody proved who they were.
    package var accountID: String?
    /// The id of the token that was shown.
    package var tokenID: String?
    /// The decision with all that it was made from.
    package var decisionJSON: String?
    package var previousHash: String
    package var hash: String
    /// `key:signature`; nil where no key was at hand, as for lines from before there were keys.
    package var signature: String?

    package init(
        at: Timestamp,
        by actor: Actor,
        action: AuditAction,
        subject: String,
        reason: String,
        decisionJSON: String? = nil
    ) {
        self.init(
            sequence: 0,
            at: at,
            actor: actor.name,
            stored: action.rawValue,
            subject: subject,
            reason: reason,
            decisionJSON: decisionJSON
        )
        requestID = actor.requestID
        accountID = actor.accountID
        tokenID = actor.tokenID
    }

    /// A line as it was stored, whose action another program may have named.
    package init(
        sequence: Int,
        at: Timestamp,
        actor: String,
        stored action: String,
        subject: String,
        reason: String,
        decisionJSON: String?
    ) {
        self.sequence = sequence
        self.at = at
        self.actor = actor
        self.action = action
        self.subject = subject
        self.reason = reason
        self.decisionJSON = decisionJSON
        previousHash = ""
        hash = ""
    }

    /// What was done, where it is one of those that are known.
    package var kind: AuditAction? { AuditAction(rawValue: action) }

    /// What stands before the first line.
    package static let origin = String(repeating: "0", count: 64)

    /// All that the hash covers.
    package var content: JSONValue {
        func number(_ value: Int?) -> JSONValue { value.map(JSONValue.int) ?? .null }
        // Lines of nobody in particular keep the form of those from before there were accounts.
        let proof: [(String, JSONValue)] =
            accountID.map { [("account_id", .string($0)), ("token_id", .optional(tokenID))] } ?? []
        return .object(
            [
                ("seq", .int(sequence)), ("at_ms", .int(at.milliseconds)), ("actor", .string(actor)),
                ("action", .string(action)), ("subject", .string(subject)), ("reason", .string(reason)),
                ("from_version", number(fromVersion)), ("to_version", number(toVersion)), ("run_id", .optional(runID)),
                ("generation_before", number(generationBefore)), ("generation_after", number(generationAfter)),
                ("policy_hash", .optional(policyHash)), ("request_id", .optional(requestID)),
                ("decision", .optional(decisionJSON)),
            ] + proof
        )
    }

    /// SHA-256 over a mark of what this is, the canonical content and the hash of the line before.
    package var expectedHash: String {
        ContentHash.of(Array("bops-audit-v1".utf8) + content.canonical.bytes() + Array(previousHash.utf8))
    }

    /// The line as exports and the API have it.
    package var json: JSONValue {
        let decision = decisionJSON.flatMap { try? JSONValue(parsing: $0) } ?? .null
        let members = (content.members ?? []).map { $0.0 == "decision" ? ($0.0, decision) : $0 }
        let seal: [(String, JSONValue)] = [
            ("at", .string(at.iso8601)), ("prev_hash", .string(previousHash)), ("hash", .string(hash)),
            ("signature", .optional(signature)),
        ]
        return .object(members + seal)
    }

    /// A line as the API has it, without its decision and its seal; nil for what is none.
    package init?(json: JSONValue) {
        guard let sequence = json["seq"]?.integer, let at = json["at_ms"]?.integer else { return nil }
        self.init(
            sequence: sequence,
            at: Timestamp(milliseconds: at),
            actor: json["actor"]?.string ?? "",
            stored: json["action"]?.string ?? "",
            subject: json["subject"]?.string ?? "",
            reason: json["reason"]?.string ?? "",
            decisionJSON: nil
        )
        fromVersion = json["from_version"]?.integer
        toVersion = json["to_version"]?.integer
        generationBefore = json["generation_before"]?.integer
        generationAfter = json["generation_after"]?.integer
    }

    /// What was decided, and from what.
    package var decision: JSONValue? { decisionJSON.flatMap { try? JSONValue(parsing: $0) } }
}

/// The newest line at some time: what tells a later reader that nothing behind it was cut off.
package struct AuditHead: Sendable, Hashable {
    package var sequence: Int
    package var hash: String
    package var signature: String?
    /// The first line that was signed, where that is known.
    package var signedFrom: Int?

    package init(sequence: Int, hash: String, signature: String?, signedFrom: Int? = nil) {
        self.sequence = sequence
        self.hash = hash
        self.signature = signature
        self.signedFrom = signedFrom
    }

    package var json: JSONValue {
        let signed = signedFrom.map { [("signed_from", JSONValue.int($0))] } ?? []
        return .object(
            [("seq", .int(sequence)), ("hash", .string(hash)), ("signature", .optional(signature))] + signed
        )
    }

    package init?(_ json: JSONValue) {
        guard let sequence = json["seq"]?.integer, let hash = json["hash"]?.string else { return nil }
        self.init(
            sequence: sequence,
            hash: hash,
            signature: json["signature"]?.string,
            signedFrom: json["signed_from"]?.integer
        )
    }
}
