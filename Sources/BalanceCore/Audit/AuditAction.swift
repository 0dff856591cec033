/// What a line of the audit trail may say was done; texts, webhooks and filters are made from this list.
package enum AuditAction: String, Sendable, CaseIterable {
    case promoted
    case promotionRefused = "promotion refused"
    case promotionHeld = "promotion held"
    case nothingToDo = "nothing to do"
    case rolledBack = "rolled back"
    case forced
    case aliasRemoved = "alias removed"
    case selfTestFailed = "self-test failed"
    case approved
    case frozen
    case unfrozen
    case quarantined
    case released
    case policySaved = "policy saved"
    case policyBound = "policy bound"
    case snapshotRefreshed = "snapshot refreshed"
    case renamed
    case deleted
    case versionDeleted = "version deleted"
    case versionTagged = "version tagged"
    case roleChanged = "role changed"
    case webhookAdded = "webhook added"
    case webhookRemoved = "webhook removed"
    case modelDamaged = "model damaged"
    case modelLoaded = "model loaded"
    case modelUnloaded = "model unloaded"
    case runDeleted = "run deleted"
    case runRestored = "run restored"
    case experimentDeleted = "experiment deleted"
    case experimentRestored = "experiment restored"
    case purged

    /// Whether something went as it was meant to.
    package var isGood: Bool { [.promoted, .approved, .unfrozen, .released].contains(self) }

    /// Whether a reader should look at it.
    package var isPoor: Bool {
        [
            .promotionRefused, .selfTestFailed, .rolledBack, .forced, .quarantined, .frozen, .aliasRemoved,
            .modelDamaged, .modelUnloaded,
            .purged,
        ].contains(self)
    }
}
