/// What an endpoint asks of whoever calls it; each endpoint names one.
package enum Permission: String, Sendable, CaseIterable {
    /// Nothing: health, the sign of life, what a page is made of.
    case open
    /// To be signed in, whatever for: one's own account.
    case signedIn = "signed_in"
    /// To see runs, artifacts, models, decisions and pages.
    case read
    /// To have a model answer.
    case predict
    /// To track runs, store artifacts, and register models and versions.
    case write
    /// To let a version serve where the policy allows it.
    case promote
    /// To approve a version.
    case approve
    /// To roll back, freeze, quarantine, load and unload.
    case operate
    /// To force, to bind and save policies, to purge, to add webhooks, and to manage accounts.
    case administer

    /// Those that a role or a token can hold.
    package static let grantable: [Permission] = allCases.filter { $0 != .open && $0 != .signedIn }
}

/// Some permissions.
package struct PermissionSet: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package init(_ permissions: some Sequence<Permission>) {
        rawValue = permissions.reduce(0) { $0 | Self.bit($1) }
    }

    package static let all = PermissionSet(Permission.allCases)

    package func contains(_ permission: Permission) -> Bool { rawValue & Self.bit(permission) != 0 }

    /// In the order of the roles' table.
    package var permissions: [Permission] { Permission.grantable.filter(contains) }

    private static func bit(_ permission: Permission) -> UInt16 {
        switch permission {
        case .open: 1
        case .signedIn: 2
        case .read: 4
        case .predict: 8
        case .write: 16
        case .promote: 32
        case .approve: 64
        case .operate: 128
        case .administer: 256
        }
    }
}
