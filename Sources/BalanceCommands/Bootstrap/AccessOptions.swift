import ArgumentParser
import BalanceCore
import Foundation

/// The flags about who may use a server.
struct AccessOptions: ParsableArguments {
    @Option(help: "on, off, or auto: on as soon as there is an account (BALANCEOPS_AUTH).")
    var auth: String?

    @Option(help: "off refuses passwords in basic authentication; tokens stay accepted (BALANCEOPS_BASIC_PASSWORDS).")
    var basicPasswords: String?

    @Option(help: "The PEM file with the server's certificate; read again at SIGHUP (BALANCEOPS_TLS_CERT).")
    var tlsCert: String?

    @Option(help: "The PEM file with the key of the certificate (BALANCEOPS_TLS_KEY).")
    var tlsKey: String?

    @Option(help: "Comma-separated addresses of proxies whose X-Forwarded-… count (BALANCEOPS_TRUSTED_PROXIES).")
    var trustedProxies: String?

    @Option(help: "The header in which a trusted proxy names the account (BALANCEOPS_PROXY_USER_HEADER).")
    var proxyUserHeader: String?

    @Option(help: "The URL that browsers reach the server by (BALANCEOPS_PUBLIC_URL).")
    var publicURL: String?

    @Flag(help: "Allow a non-loopback address without accounts: anyone who can reach the port has full access.")
    var open = false

    @Flag(help: "Allow accounts on a non-loopback address without TLS: tokens and passwords can be read on the way.")
    var insecureHTTP = false

    var flags: [Setting: String] {
        [
            .auth: auth, .basicPasswords: basicPasswords, .tlsCertificate: tlsCert, .tlsKey: tlsKey,
            .trustedProxies: trustedProxies, .proxyUserHeader: proxyUserHeader, .publicURL: publicURL,
        ].compactMapValues { $0 }
    }
}

/// Whether a server asks who sends a request.
enum AccessMode: Sendable {
    /// Nobody is asked.
    case off
    /// Nobody is asked, and others than this machine reach it: every page says so.
    case open
    case accounts
    /// A command on the files: whoever may write those may do everything.
    case files

    var isOn: Bool { self == .accounts }

    /// Decides, and refuses what would leave a network without protection by accident; whether there are accounts is asked only
    /// where that matters.
    ///
    /// - Throws: `Failure` with code `invalidArgument`.
    init(
        _ settings: Settings,
        _ options: AccessOptions,
        hasAccounts: () async throws -> Bool
    ) async throws {
        let host = settings[.host].text
        let isLoopback = host == "localhost" || host == "::1" || host.hasPrefix("127.")
        let environment = ProcessInfo.processInfo.environment
        let isOn =
            switch settings[.auth].text {
            case "on": true
            case "off": false
            case "auto": try await hasAccounts()
            default:
                throw Failure(
                    .invalidArgument,
                    "\(Setting.auth.variable) must be on, off or auto, not '\(settings[.auth].text)'"
                )
            }
        if isOn {
            self = .accounts
            let isSafe = !settings[.tlsCertificate].text.isEmpty || !settings[.trustedProxies].text.isEmpty
            let isAllowed = options.insecureHTTP || environment["BALANCEOPS_INSECURE_HTTP"] == "1"
            guard isLoopback || isSafe || isAllowed else {
                throw Failure(
                    .invalidArgument,
                    "refusing to listen on \(host) without TLS: tokens and passwords could be read on the way",
                    hint: "use --tls-cert and --tls-key, or --trusted-proxies behind a proxy that speaks TLS, or pass "
                        + "--insecure-http (BALANCEOPS_INSECURE_HTTP=1)"
                )
            }
            return
        }
        let isOpen = options.open || environment["BALANCEOPS_OPEN"] == "1"
        guard isLoopback || isOpen else {
            throw Failure(
                .invalidArgument,
                "refusing to listen on \(host) without accounts: anyone who can reach the port has full access",
                hint:
                    "add an admin (balanceops users add NAME --role admin) or pass --auth on; without accounts pass --open "
                    + "(BALANCEOPS_OPEN=1)"
            )
        }
        self = isLoopback ? .off : .open
    }
}
