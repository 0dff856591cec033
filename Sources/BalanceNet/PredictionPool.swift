import BalanceCore
import Foundation
import NIOPosix
import Synchronization

/// Threads of their own for predictions that take long, behind the rest of the process, with a queue that has an end.
package final class PredictionPool: PredictionRunner {
    private let threads: NIOThreadPool
    private let waiting = Atomic<Int>(0)
    private let maximum: Int

    /// - Parameters:
    ///   - threads: How many run at once.
    ///   - queue: How many may wait besides.
    package init(threads: Int, queue: Int) {
        self.threads = NIOThreadPool(numberOfThreads: threads)
        self.threads.start()
        maximum = threads + queue
    }

    package func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        let (_, now) = waiting.add(1, ordering: .relaxed)
        defer { waiting.subtract(1, ordering: .relaxed) }
        guard now <= maximum else {
            throw Failure(
                .unavailable,
                "the prediction queue is full (\(maximum) predictions waiting)",
                hint: "try again in a second, or raise BALANCEOPS_PREDICTION_QUEUE"
            )
        }
        return try await threads.runIfActive {
            #if os(Linux)
            // Of this thread alone: whoever answers in microseconds goes first.
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
            #endif
            return try body()
        }
    }

    private static let niceness: Int32 = 5
}
