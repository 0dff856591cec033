package import BalanceCore

/// A recorded decision, made again from what was recorded with it.
package struct AuditReplay: Sendable {
    package var sequence: Int
    package var recorded: JSONValue
    package var again: Decision

    /// Whether the same policy says the same of the same facts, rule by rule.
    package var isSame: Bool {
        var members = recorded.members ?? []
        members.removeAll { ["inputs", "self_test", "advice"].contains($0.0) }
        return JSONValue.object(members).canonical.text() == again.json.canonical.text()
    }

    /// - Throws: `Failure` with code `invalidParameter` where the line records no decision of a policy, or
    ///   `resourceNotFound` where the policy's text is gone.
    package init(_ event: AuditEvent, _ governance: any Governance) async throws {
        sequence = event.sequence
        guard let decision = event.decision, let inputs = decision["inputs"] else {
            throw Failure(
                .invalidParameter,
                "entry \(event.sequence) of the audit trail has no decision: '\(event.action)'",
                hint: "choose an entry with 'promoted', 'promotion refused' or 'promotion held'"
            )
        }
        recorded = decision
        let facts = PromotionCase(inputs)
        guard let hash = event.policyHash else {
            again = .byHand(facts, reason: decision["reason"]?.string ?? "")
            return
        }
        guard let saved = try await governance.policy(hash: hash) else {
            throw Failure(
                .resourceNotFound,
                "policy \(hash.prefix(12)) of entry \(event.sequence) no longer exists"
            )
        }
        var policy = saved.policy
        // Two names may be given to the same rules.
        policy.name = decision["policy"]?.string ?? policy.name
        again = policy.decide(facts)
    }

    package var json: JSONValue {
        .object([
            ("seq", .int(sequence)), ("same", .bool(isSame)), ("recorded", recorded), ("again", again.json),
        ])
    }
}

extension AuditTrail {
    /// Looks at every line, with the public keys that lines may be signed by and lines that were once the newest.
    ///
    /// What serves according to the registry is compared with the lines that made it so.
    package func verification(
        keys: [[UInt8]],
        heads: [AuditHead],
        governance: any Governance
    ) async throws -> AuditVerification {
        var verification = AuditVerification(keys: keys, heads: heads)
        var last: Int?
        while true {
            let events = try await auditLines(after: last, limit: 1000)
            guard let newest = events.last else { break }
            for event in events { verification.add(event) }
            last = newest.sequence
        }
        verification.finish()
        for slot in try await governance.movedSlots() where verification.problem == nil {
            let last = try await governance.history(of: slot.model, limit: 1).first
            verification.add(slot, lastMove: last, cause: try await cause(of: slot))
        }
        return verification
    }
}

extension AuditTrail {
    /// The line that made a slot what it is now, also under a name that the model had before; nil where there is none.
    package func cause(of slot: Slot) async throws -> AuditEvent? {
        var subject = slot.model
        var before: Int?
        for _ in 0..<200 {
            let events = try await auditEvents(subject: subject, before: before, limit: 200)
            for event in events {
                let isMove = event.generationBefore != event.generationAfter
                if isMove, event.generationAfter == slot.generation { return event }
                // Lines from before there were generations.
                let isOld = event.generationAfter == nil && event.action == "promoted"
                if isOld, event.toVersion == slot.version { return event }
                guard event.action == "renamed", let former = event.decision?["former_name"]?.string else { continue }
                subject = former
                break
            }
            guard let last = events.first(where: { $0.action == "renamed" }) ?? events.last else { return nil }
            before = last.sequence
        }
        return nil
    }
}
