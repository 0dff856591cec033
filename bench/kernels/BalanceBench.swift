import BalanceService
import BalanceCore
import BalanceInference
import Foundation
import Synchronization

/// `BalanceBench evaluator ROWS.csv MODEL...` times model files: for each the median of single rows in microseconds, and rows
/// a second in batches of 1000. `BalanceBench kernels` times ``Kernels``. `BalanceBench count NAME TIMES` runs one of
/// ``HotPaths``, for a tool that counts instructions.
@main
enum BalanceBench {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "count", arguments.count == 3, let times = Int(arguments[arguments.startIndex + 2]) {
            return try HotPaths.run(arguments[arguments.startIndex + 1], times: times)
        }
        if arguments.first == "kernels" { return try waitFor { try await Kernels.run() } }
        guard arguments.first == "evaluator", arguments.count > 2 else {
            print(
                "usage: BalanceBench evaluator ROWS.csv MODEL..., BalanceBench kernels, or BalanceBench count NAME TIMES"
            )
            exit(64)
        }
        let text = try String(contentsOfFile: arguments[arguments.startIndex + 1], encoding: .utf8)
        let rows = text.split(separator: "\n").map { $0.split(separator: ",").compactMap { Double($0) } }
        for path in arguments.dropFirst(2) { try time(path, rows) }
    }

    /// Runs a task to its end from a main function that is not asynchronous: one that is would park its thread in a way that
    /// callgrind does not survive.
    static func waitFor(_ body: @escaping @Sendable () async throws -> Void) throws {
        let done = DispatchSemaphore(value: 0)
        let failure = Mutex<(any Error)?>(nil)
        Task {
            do { try await body() } catch { failure.withLock { $0 = error } }
            done.signal()
        }
        done.wait()
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private static func time(_ path: String, _ rows: [[Double]]) throws {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        let model = try ModelFormats().predictor(from: bytes)
        let predictor = model.predictor
        var sum = 0.0
        for row in rows.prefix(500) { sum += try predictor.outputs(row)[0] }
        let clock = ContinuousClock()
        var singles: [UInt64] = []
        // Groups of 20 rows, as the clock's own cost is part of each measurement.
        for start in stride(from: 0, to: rows.count - 20, by: 20) {
            let begin = clock.now
            for row in rows[start..<start + 20] { sum += try predictor.outputs(row)[0] }
            singles.append((clock.now - begin).nanoseconds / 20)
        }
        singles.sort()
        let batch = rows.prefix(1000).map { $0.map(Cell.number) }
        var batches: [UInt64] = []
        for _ in 0..<20 {
            let begin = clock.now
            sum += try predictor.outputs(of: batch)[0][0]
            batches.append((clock.now - begin).nanoseconds)
        }
        batches.sort()
        let single = Double(singles[singles.count / 2]) / 1000
        let rate = Double(batch.count) / Double(batches[batches.count / 2]) * 1e6
        let name = (path as NSString).lastPathComponent
        let line = String(format: "%8.2f us a row, %8.0f thousand rows/s in batches of 1000", single, rate)
        print(name.padding(toLength: 24, withPad: " ", startingAt: 0) + line + " (\(model.format), \(sum))")
    }
}
