import BalanceSystem
package import BalanceCore
import Synchronization

/// Counts of what each version answered and how long it took, for as long as the process runs.
package final class InferenceStatistics: Sendable {
    /// How often something happened, and how long all of it took.
    package struct Duration: Sendable, Equatable {
        package var count: UInt64 = 0
        package var nanoseconds: UInt64 = 0

        package init() {}

        mutating func add(_ nanoseconds: UInt64) {
            count += 1
            self.nanoseconds &+= nanoseconds
        }

        mutating func add(_ other: Duration) {
            count &+= other.count
            nanoseconds &+= other.nanoseconds
        }
    }

    /// The three parts of an answer, in nanoseconds.
    package struct Times: Sendable {
        package var input: UInt64
        package var infer: UInt64
        package var output: UInt64

        package init(input: UInt64, infer: UInt64, output: UInt64) {
            self.input = input
            self.infer = infer
            self.output = output
        }
    }

    /// What is counted of one batch size.
    package struct Batch: Sendable {
        package var input = Duration()
        package var infer = Duration()
        package var output = Duration()
    }

    /// What is counted of one version.
    package struct Entry: Sendable {
        package var name: String
        package var version: Int
        package var success = Duration()
        package var failure = Duration()
        package var input = Duration()
        package var infer = Duration()
        package var output = Duration()
        /// When it answered last.
        package var last = Timestamp(milliseconds: 0)
        package var rows: UInt64 = 0
        /// By the number of rows, which are few: looked through, not hashed.
        package var batches: [(key: Int, value: Batch)] = []

        /// Where a batch size is counted; nil where there are too many others.
        fileprivate mutating func place(ofBatch rows: Int) -> Int? {
            if let place = batches.firstIndex(where: { $0.key == rows }) { return place }
            guard batches.count < InferenceStatistics.maximumBatches else { return nil }
            batches.append((rows, Batch()))
            return batches.count - 1
        }
    }

    /// What the threads counted, each in a part that it seldom shares with another one.
    private let parts = (0..<InferenceStatistics.partCount).map { _ in Part() }
    private static let partCount = 16

    private final class Part: Sendable {
        let entries = Mutex<[Entry]>([])
    }
    /// How many versions and batch sizes are told apart.
    private static let maximumEntries = 1000
    fileprivate static let maximumBatches = 64

    package init() {}

    /// Counts an answer.
    package func record(_ name: String, _ version: Int, rows: Int, _ times: Times) {
        change(name, version) { entry in
            entry.success.add(times.input &+ times.infer &+ times.output)
            entry.input.add(times.input)
            entry.infer.add(times.infer)
            entry.output.add(times.output)
            entry.rows &+= UInt64(max(rows, 0))
            entry.last = .now()
            guard let place = entry.place(ofBatch: rows) else { return }
            entry.batches[place].value.input.add(times.input)
            entry.batches[place].value.infer.add(times.infer)
            entry.batches[place].value.output.add(times.output)
        }
    }

    /// Counts a request that a model could not answer.
    package func recordFailure(_ name: String, _ version: Int, _ nanoseconds: UInt64) {
        change(name, version) { $0.failure.add(nanoseconds) }
    }

    /// The versions that have answered, in the order of their names and numbers.
    package var all: [Entry] {
        var sums: [Entry] = []
        for part in parts {
            for entry in part.entries.withLock({ $0 }) {
                if let index = sums.firstIndex(where: { $0.isSame(entry.name, entry.version) }) {
                    sums[index].add(entry)
                } else if sums.count < Self.maximumEntries {
                    sums.append(entry)
                }
            }
        }
        return sums.sorted { left, right in
            ByteText.isSame(left.name, right.name)
                ? left.version < right.version : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
    }

    private func change(_ name: String, _ version: Int, _ body: (inout Entry) -> Void) {
        let part = parts[CurrentThread.number % Self.partCount]
        part.entries.withLock { entries in
            if let index = entries.firstIndex(where: { $0.isSame(name, version) }) {
                body(&entries[index])
            } else if entries.count < Self.maximumEntries {
                var entry = Entry(name: name, version: version)
                body(&entry)
                entries.append(entry)
            }
        }
    }
}

extension InferenceStatistics.Entry {
    fileprivate func isSame(_ name: String, _ version: Int) -> Bool {
        self.version == version && ByteText.isSame(self.name, name)
    }

    /// Adds what another thread counted of the same version.
    fileprivate mutating func add(_ other: Self) {
        success.add(other.success)
        failure.add(other.failure)
        input.add(other.input)
        infer.add(other.infer)
        output.add(other.output)
        last = max(last, other.last)
        rows &+= other.rows
        for batch in other.batches {
            guard let place = place(ofBatch: batch.key) else { continue }
            batches[place].value.input.add(batch.value.input)
            batches[place].value.infer.add(batch.value.infer)
            batches[place].value.output.add(batch.value.output)
        }
    }
}
