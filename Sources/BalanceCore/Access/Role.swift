/// A set of permissions that an account is given, everywhere or for some models or experiments.
package enum Role: String, Sendable, CaseIterable {
    case viewer, serving, writer, approver, `operator`, admin

    package var permissions: PermissionSet {
        switch self {
        case .viewer: PermissionSet([.read, .predict])
        case .serving: PermissionSet([.predict])
        case .writer: PermissionSet([.read, .predict, .write])
        case .approver: PermissionSet([.read, .predict, .promote, .approve])
        case .operator: PermissionSet([.read, .predict, .promote, .operate])
        case .admin: PermissionSet(Permission.grantable)
        }
    }

    /// One line for the documentation and the pages.
    package var meaning: String {
        switch self {
        case .viewer: "sees runs, models, decisions and pages, and asks models"
        case .serving: "asks models and nothing else: for applications"
        case .writer: "also tracks runs, stores artifacts and registers versions"
        case .approver: "also approves versions and promotes them within the policy"
        case .operator: "also promotes within the policy, rolls back, freezes, quarantines, loads and unloads"
        case .admin: "everything, also policies, forced promotions, webhooks, purges and accounts"
        }
    }

    /// - Throws: `Failure` with code `invalidArgument`.
    package init(named text: String) throws {
        guard let role = Role(rawValue: text) else {
            let all = Role.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure(.invalidArgument, "invalid role '\(text.prefix(50))'", hint: "use one of \(all)")
        }
        self = role
    }
}
