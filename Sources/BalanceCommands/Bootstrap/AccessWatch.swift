import BalanceCore
import BalanceService
import Logging
import ServiceLifecycle

/// Takes over what other processes change about accounts and tokens, a tenth of a second later.
struct AccessWatch: Service {
    let directory: AccessDirectory
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await directory.look()
                } catch {
                    logger.warning("accounts cannot be read: \(Failure.from(error).message)")
                }
                do { try await Task.sleep(for: .milliseconds(100)) } catch { return }
            }
        }
    }
}
