/// Who a request comes from, and what they may do.
package struct Principal: Sendable, Hashable {
    /// How they proved it.
    package enum Door: String, Sendable {
        /// Accounts are off: nobody proves anything.
        case unchecked
        case token, password, session, proxy
    }

    /// Of the account, or empty where there is none.
    package var id: String
    package var name: String
    package var door: Door
    package var grants: [Grant]
    /// Of the token that was shown.
    package var tokenID: String?
    /// What the token is limited to; nil: nothing.
    package var limit: TokenLimit?
    /// What it may do everywhere.
    package let everywhere: PermissionSet
    /// What it may do somewhere.
    package let somewhere: PermissionSet

    package init(
        id: String,
        name: String,
        door: Door,
        grants: [Grant],
        tokenID: String? = nil,
        limit: TokenLimit? = nil
    ) {
        self.id = id
        self.name = name
        self.door = door
        self.grants = grants
        self.tokenID = tokenID
        self.limit = limit
        let held = limit?.permissions ?? .all
        let isLimited = limit?.scopes.isEmpty == false
        let wide = grants.filter { $0.scope == .everything }.reduce(into: PermissionSet()) {
            $0.formUnion($1.role.permissions)
        }
        let all = grants.reduce(into: PermissionSet()) { $0.formUnion($1.role.permissions) }
        everywhere = isLimited ? [] : wide.intersection(held)
        somewhere = all.intersection(held)
    }

    /// Whoever reaches a server without accounts.
    package static let unchecked = Principal(
        id: "",
        name: "",
        door: .unchecked,
        grants: [Grant(role: .admin, scope: .everything)]
    )

    package var isChecked: Bool { door != .unchecked }

    /// Whether it may do something to an object.
    package func may(_ permission: Permission, _ object: AccessObject) -> Bool {
        if permission == .open || permission == .signedIn || everywhere.contains(permission) { return true }
        guard somewhere.contains(permission) else { return false }
        if let scopes = limit?.scopes, !scopes.isEmpty, !scopes.contains(where: { $0.covers(object) }) { return false }
        return grants.contains { $0.role.permissions.contains(permission) && $0.scope.covers(object) }
    }

    /// Whether it may do something to any object at all.
    package func mayAnywhere(_ permission: Permission) -> Bool {
        permission == .open || permission == .signedIn || somewhere.contains(permission)
    }

    /// What lists hold that it is shown; nil: everything.
    ///
    /// Whoever may only ask models sees of lists what that needs.
    package func visibility(for permission: Permission) -> Visibility? {
        if everywhere.contains(.administer) { return nil }
        let seen: Permission = permission == .predict ? .predict : .read
        if everywhere.contains(seen) { return Visibility(scopes: [.everything]) }
        guard somewhere.contains(seen) else { return Visibility(scopes: []) }
        let granted = grants.filter { $0.role.permissions.contains(seen) }.map(\.scope)
        guard let limits = limit?.scopes, !limits.isEmpty else { return Visibility(scopes: granted) }
        if granted.contains(.everything) { return Visibility(scopes: limits) }
        // What both reach: of two that overlap, the one that lies within the other.
        return Visibility(scopes: granted.flatMap { one in limits.compactMap { one.intersection($0) } })
    }

    /// The roles that a policy's approvals may ask for: those of grants that reach the model and may approve.
    package func approvalRoles(of model: String) -> [String] {
        let found = grants.filter { $0.role.permissions.contains(.approve) && $0.scope.covers(.model(model)) }
        return found.flatMap { [$0.role.rawValue] + ($0.title.map { [$0] } ?? []) }
    }
}

extension AccessScope {
    /// What both reach, where one lies within the other; nil where neither does.
    package func intersection(_ other: AccessScope) -> AccessScope? {
        switch (self, other) {
        case (.everything, _): return other
        case (_, .everything): return self
        case (.model(let one), .model(let two)): return Self.narrower(one, two).map(AccessScope.model)
        case (.folder(let one), .folder(let two)):
            if covers(.experiment(two.text)) { return other }
            return other.covers(.experiment(one.text)) ? self : nil
        default: return nil
        }
    }

    private static func narrower(_ one: ByteText, _ two: ByteText) -> ByteText? {
        func name(_ text: ByteText) -> String {
            text.text.utf8.last == UInt8(ascii: "*") ? String(text.text.dropLast()) : text.text
        }
        if one == two || AccessScope.model(one).covers(.model(name(two))) { return two }
        return AccessScope.model(two).covers(.model(name(one))) ? one : nil
    }
}

/// A role that an account has.
package struct Grant: Sendable, Hashable {
    package var role: Role
    package var scope: AccessScope
    /// What approvals of this account count as, where a policy asks for roles of its own such as `owner`.
    package var title: String?

    package init(role: Role, scope: AccessScope, title: String? = nil) {
        self.role = role
        self.scope = scope
        self.title = title
    }

    package var json: JSONValue {
        .object([
            ("role", .string(role.rawValue)), ("scope", .string(scope.text)), ("title", .optional(title)),
        ])
    }
}

/// What a token may do at most, whatever its account may.
package struct TokenLimit: Sendable, Hashable {
    package var permissions: PermissionSet
    /// Empty: no limit.
    package var scopes: [AccessScope]

    /// As people write it; no permission is all of them, as no scope is no limit.
    ///
    /// - Throws: `Failure` with code `invalidParameter` or `invalidArgument`.
    package init(permissions names: [String], scopes: [String]) throws {
        let permissions = try names.map { name in
            guard let permission = Permission.grantable.first(where: { $0.rawValue == name }) else {
                let all = Permission.grantable.map(\.rawValue).joined(separator: ", ")
                throw Failure(.invalidParameter, "invalid permission '\(name.prefix(40))'", hint: "use some of \(all)")
            }
            return permission
        }
        self.permissions = permissions.isEmpty ? .all : PermissionSet(permissions)
        self.scopes = try scopes.map { try AccessScope($0) }.filter { $0 != .everything }
    }

    package init(permissions: PermissionSet = .all, scopes: [AccessScope] = []) {
        self.permissions = permissions
        self.scopes = scopes
    }
}
