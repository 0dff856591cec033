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
    case accessRefused = "access refused"
    case signedIn = "signed in"
    case signInFailed = "sign-in failed"
    case signedOut = "signed out"
    case accountCreated = "account created"
    case accountDisabled = "account disabled"
    case accountEnabled = "account enabled"
    case accountDeleted = "account deleted"
    case passwordChanged = "password changed"
    case granted = "role granted"
    case grantRevoked = "role revoked"
    case tokenCreated = "token created"
    case tokenRevoked = "token revoked"
    case tokenRotated = "token rotated"
    case accessOpened = "accounts switched off"

    /// What is said of accounts: lines for admins, as they tell who signs in from where.
    package static let ofAccounts: [AuditAction] = [
        .accessRefused, .signedIn, .signInFailed, .signedOut, .accountCreated, .accountDisabled, .accountEnabled,
        .accountDeleted, .passwordChanged, .granted, .grantRevoked, .tokenCreated, .tokenRevoked, .tokenRotated,
    ]

    /// Whether something went as it was meant to.
    package var isGood: Bool { [.promoted, .approved, .unfrozen, .released].contains(self) }

    /// Whether a reader should look at it.
    package var isPoor: Bool {
        [
            .promotionRefused, .selfTestFailed, .rolledBack, .forced, .quarantined, .frozen, .aliasRemoved,
            .modelDamaged, .modelUnloaded,
            .purged, .accessRefused, .signInFailed, .accountDisabled, .accountDeleted, .grantRevoked, .tokenRevoked,
            .accessOpened,
        ].contains(self)
    }
}
