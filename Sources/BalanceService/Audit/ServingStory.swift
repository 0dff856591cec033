package import BalanceCore

/// What serves, and why: the slot and the entry of the trail that made it so.
package struct ServingStory: Sendable {
    package let slot: Slot
    package let event: AuditEvent?
    /// Where registry and trail disagree.
    package let contradiction: String?

    package init(_ model: String, _ governance: any Governance, _ audit: any AuditTrail) async throws {
        let slot = try await governance.slot(of: model)
        self.slot = slot
        event = try await audit.cause(of: slot)
        contradiction = slot.contradiction(
            lastMove: try await governance.history(of: model, limit: 1).first,
            cause: event
        )
    }

    package var json: JSONValue {
        .object([
            ("slot", slot.json), ("because", event?.json ?? .null), ("contradiction", .optional(contradiction)),
        ])
    }
}
