package import BalanceCore

/// Another place where people sign in, as OpenID Connect has it.
package protocol IdentityProvider: Sendable {
    /// Where a browser is sent to, which comes back to an address of ours.
    func authorizationURL(redirect: String, secrets: SignInSecrets) async throws -> String
    /// Who came back with a code.
    ///
    /// - Throws: `Failure` with code `unauthenticated`.
    func identity(code: String, redirect: String, secrets: SignInSecrets) async throws -> ProvidedIdentity
}

/// What keeps one sign-in at a provider from being taken for another, kept by the browser that began it.
package struct SignInSecrets: Sendable {
    package var state: String
    package var nonce: String
    /// Of PKCE (RFC 7636).
    package var verifier: String

    package init() {
        state = Secret.text(bytes: 16)
        nonce = Secret.text(bytes: 16)
        verifier = Secret.text(bytes: 32)
    }

    /// As a cookie keeps them.
    package init?(_ text: String) {
        let parts = text.split(separator: ".").map(String.init)
        guard parts.count == 3, parts.allSatisfy({ (20...64).contains($0.utf8.count) }) else { return nil }
        (state, nonce, verifier) = (parts[0], parts[1], parts[2])
    }

    package var text: String { "\(state).\(nonce).\(verifier)" }
}

/// Somebody whom a provider knows.
package struct ProvidedIdentity: Sendable {
    package var issuer: String
    package var subject: String
    /// The name that an account is to have, where that is free.
    package var name: String
    package var displayName: String?
    package var grants: [Grant]

    package init(issuer: String, subject: String, name: String, displayName: String?, grants: [Grant]) {
        self.issuer = issuer
        self.subject = subject
        self.name = name
        self.displayName = displayName
        self.grants = grants
    }
}

extension AccountService {
    /// Signs somebody in whom a provider knows; their grants are what their groups say now.
    ///
    /// - Throws: `Failure` with code `permissionDenied` for somebody who may nothing.
    package func signIn(_ identity: ProvidedIdentity, _ client: Client) async throws -> String {
        let name = try AccountName.checked(identity.name)
        let account = try await store.adopt(
            issuer: identity.issuer,
            subject: identity.subject,
            name: name,
            displayName: identity.displayName,
            grants: identity.grants,
            by: Actor(name: "single sign-on")
        )
        try await directory.refresh()
        guard account.isActive, !account.grants.isEmpty else {
            throw Failure(
                .permissionDenied,
                account.isActive ? "'\(account.name)' has no role here" : "the account '\(account.name)' is disabled",
                hint: "ask an admin for a role, or for a group that has one"
            )
        }
        return try await begin(account, client)
    }
}
