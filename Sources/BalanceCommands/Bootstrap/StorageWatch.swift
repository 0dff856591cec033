import BalanceCore
import BalanceStore
import ServiceLifecycle

/// Ends the server where the disk did not keep what was written: nobody knows then what it has.
///
/// Where a file only lost its name the server goes on to answer, with 503 for what would write.
struct StorageWatch: Service {
    let database: SQLiteDatabase

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            while true {
                if let loss = database.loss, loss.cause != nil { throw loss }
                do { try await Task.sleep(for: .milliseconds(200)) } catch { return }
            }
        }
    }
}
