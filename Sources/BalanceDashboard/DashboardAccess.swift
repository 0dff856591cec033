package import BalanceNet
package import BalanceService

/// What the pages need to know of accounts.
package struct DashboardAccess: Sendable {
    package var accounts: AccountService
    package var authentication: Authentication
    /// Where else people sign in; nil: nowhere.
    package var provider: (any IdentityProvider)?
    /// Whether others than this machine reach a server without accounts.
    package var isOpen: Bool
    /// The URL that browsers reach the server by; empty: what they say themselves.
    package var publicURL: String

    package init(
        accounts: AccountService,
        authentication: Authentication,
        provider: (any IdentityProvider)?,
        isOpen: Bool,
        publicURL: String
    ) {
        self.accounts = accounts
        self.authentication = authentication
        self.provider = provider
        self.isOpen = isOpen
        self.publicURL = publicURL
    }

    var isOn: Bool { authentication.isOn }
}
