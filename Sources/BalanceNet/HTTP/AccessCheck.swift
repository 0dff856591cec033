package import BalanceCore

/// Judges what a principal may do: the one decision that every door asks for.
package struct AccessCheck: Sendable {
    package let authenticator: any Authenticator
    private let objects: any AccessObjects

    package init(authenticator: any Authenticator, objects: any AccessObjects) {
        self.authenticator = authenticator
        self.objects = objects
    }

    /// The permissions whose refusal is a line of the trail.
    private static let moves: Set<Permission> = [.promote, .approve, .operate, .administer]

    /// - Throws: `Failure` with code `permissionDenied`, or `resourceNotFound` for what the principal may not even see.
    package func require(
        _ permission: Permission,
        _ references: [ObjectReference],
        of principal: Principal,
        requestID: String?
    ) async throws {
        if principal.everywhere.contains(permission) || permission == .open || permission == .signedIn { return }
        for reference in references.isEmpty ? [.server] : references {
            guard try await allows(permission, reference, principal) else {
                try await refuse(permission, reference, principal, requestID)
                return
            }
        }
    }

    private func allows(
        _ permission: Permission,
        _ reference: ObjectReference,
        _ principal: Principal
    ) async throws -> Bool {
        guard principal.mayAnywhere(permission) else { return false }
        if principal.everywhere.contains(permission) { return true }
        if reference == .any { return true }
        return try await object(reference).map { principal.may(permission, $0) } ?? false
    }

    /// nil where there is none.
    private func object(_ reference: ObjectReference) async throws -> AccessObject? {
        switch reference {
        case .server, .any: .server
        case .model(let name): .model(name)
        case .experimentNamed(let name): .experiment(name)
        default: try await objects.experiment(of: reference).map(AccessObject.experiment)
        }
    }

    /// What may not be seen is answered as what is not there, by one text.
    private func refuse(
        _ permission: Permission,
        _ reference: ObjectReference,
        _ principal: Principal,
        _ requestID: String?
    ) async throws {
        // Who may do it nowhere is told so whatever the object is, and who sees everything has nothing hidden.
        var isHidden = principal.mayAnywhere(permission) && reference != .server && reference != .any
        if isHidden { isHidden = try await !allows(.read, reference, principal) }
        let subject = reference.words
        if Self.moves.contains(permission),
            let actor = try? Actor(principal, saying: nil, otherwise: "", requestID: requestID)
        {
            await authenticator.noteRefusal(permission, of: subject, by: actor)
        }
        if isHidden { throw Failure(.resourceNotFound, "\(subject) not found") }
        let token = principal.tokenID.map { " with the token \($0)" } ?? ""
        throw Failure(
            .permissionDenied,
            "'\(principal.name)' may not do this\(token): it needs the permission '\(permission.rawValue)' on \(subject)",
            hint: "an admin can grant a role that has it: balanceops users grant \(principal.name) ROLE"
        )
    }
}

extension ObjectReference {
    fileprivate var words: String {
        switch self {
        case .server, .any: "the server"
        case .model(let name): "model '\(name.prefix(200))'"
        case .experiment(let id), .experimentNamed(let id): "experiment '\(id.prefix(200))'"
        case .run(let id): "run '\(id.prefix(100))'"
        case .loggedModel(let id): "logged model '\(id.prefix(100))'"
        }
    }
}
