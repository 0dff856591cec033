import BalanceCore
import BalanceNet
import BalanceService
import Foundation

/// Who may use the two servers, and how they prove it.
struct ServerAccess: Sendable {
    let mode: AccessMode
    let directory: AccessDirectory
    let accounts: AccountService
    let authentication: Authentication
    let identity: TLSIdentity?
    let provider: OIDCProvider?
    private let workspace: Workspace

    /// Passwords that are checked at once, each with 32 MiB, and those that may wait.
    private static let hashes = (threads: 2, queue: 16)

    init(workspace: Workspace, mode: AccessMode, port: Int) async throws {
        self.workspace = workspace
        self.mode = mode
        let settings = workspace.settings
        let pool = PredictionPool(threads: Self.hashes.threads, queue: Self.hashes.queue)
        directory = AccessDirectory(
            store: workspace.accounts,
            isOn: mode.isOn,
            followsAccounts: mode != .files && settings[.auth].text == "auto",
            acceptsPasswords: try settings.isOn(.basicPasswords),
            runner: pool
        )
        accounts = AccountService(store: workspace.accounts, directory: directory, runner: pool)
        identity = try Self.identity(settings)
        let proxies = try TrustedProxies(
            settings[.trustedProxies].text,
            userHeader: settings[.proxyUserHeader].text
        )
        authentication = Authentication(
            check: AccessCheck(authenticator: directory, objects: workspace.accessObjects),
            proxies: proxies,
            speaksTLS: identity != nil,
            port: port
        )
        provider = try OIDCProvider(settings)
        if mode.isOn {
            try await workspace.accounts.migrateRoleTags()
            try await directory.refresh()
        } else if mode != .files, settings[.auth].text == "off", try await !workspace.accounts.accounts().isEmpty {
            try await workspace.accounts.recordOpened(by: Actor(name: "server"))
        }
    }

    private static func identity(_ settings: Settings) throws -> TLSIdentity? {
        let (certificate, key) = (settings[.tlsCertificate].text, settings[.tlsKey].text)
        if certificate.isEmpty, key.isEmpty { return nil }
        guard !certificate.isEmpty, !key.isEmpty else {
            throw Failure(
                .invalidArgument,
                "TLS needs both a certificate and a key",
                hint: "set --tls-cert and --tls-key"
            )
        }
        return try TLSIdentity(certificate: certificate, key: key)
    }

    /// Whether accounts that come or change matter.
    var isWatched: Bool { mode.isOn || workspace.settings[.auth].text == "auto" }

    /// What is said when the server listens, with its URL.
    func welcome() async throws -> @Sendable (String) -> Void {
        switch mode {
        case .off, .files: return { _ in }
        case .open:
            return { _ in Output.note("[WARN] no accounts: anyone who can reach this address has full access (--open)")
            }
        case .accounts:
            guard let code = try await accounts.setupCode() else { return { _ in } }
            let settings = workspace.settings
            let address = settings[.publicURL].text
            return { url in
                Output.line("[OK] there is no admin yet; to make the first one, open within an hour:")
                Output.line("     \(address.isEmpty ? url : address)/ui/setup?code=\(code)")
            }
        }
    }
}
