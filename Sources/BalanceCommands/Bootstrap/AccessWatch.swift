import BalanceCore
import BalanceService
import Logging
import ServiceLifecycle

/// Takes over what other processes change about accounts and tokens: a tenth of a second later, and the first account within a
/// second.
struct AccessWatch: Service {
    let directory: AccessDirectory
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            // What goes wrong ten times a second is said once.
            var told = ""
            while !Task.isCancelled {
                do {
                    try await directory.look()
                    told = ""
                } catch {
                    let message = Failure.from(error).message
                    if message != told { logger.warning("accounts cannot be read: \(message)") }
                    told = message
                }
                do { try await Task.sleep(for: .milliseconds(directory.isOn ? 100 : 1000)) } catch { return }
            }
        }
    }
}
