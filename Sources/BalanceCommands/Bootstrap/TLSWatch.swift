import BalanceCore
import BalanceNet
import BalanceSystem
import Logging
import ServiceLifecycle
import UnixSignals

/// Reads the certificate again at SIGHUP, and warns before it ends.
struct TLSWatch: Service {
    let identity: TLSIdentity
    let logger: Logger

    private static let warning = 30 * 86_400

    func run() async throws {
        warn()
        let signals = await UnixSignalsSequence(trapping: .sighup)
        for await _ in signals.cancelOnGracefulShutdown() {
            do {
                try identity.reload()
                logger.notice("the certificate was read again")
            } catch {
                logger.error("the certificate stays as it was: \(Failure.from(error).message)")
            }
            warn()
        }
    }

    private func warn() {
        let rest = identity.expires - Timestamp.now().milliseconds / 1000
        if rest < 0 {
            logger.error("the certificate has expired")
        } else if rest < Self.warning {
            logger.warning("the certificate expires in \(rest / 86_400) days")
        }
    }
}
