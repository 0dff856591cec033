import BalanceCore
import Foundation
import Synchronization

/// The lines of a file, one at a time.
struct LineReader: AsyncSequence {
    let path: String

    init(path: String) throws {
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw BalanceCore.Failure(
                .fileNotFound,
                "no such file: \(path)",
                hint: "pass a folder written by balanceops export"
            )
        }
        self.path = path
    }

    struct Iterator: AsyncIteratorProtocol {
        private let file: FileHandle?
        private var buffer: [UInt8] = []
        /// Where the next line begins in the buffer, and how far it was searched for an end.
        private var start = 0
        private var searched = 0

        init(path: String) { file = FileHandle(forReadingAtPath: path) }

        mutating func next() async throws -> String? {
            while true {
                if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                    defer { (start, searched) = (end + 1, end + 1) }
                    return String(decoding: buffer[start..<end], as: UTF8.self)
                }
                buffer.removeFirst(start)
                start = 0
                searched = buffer.count
                let more = try file?.read(upToCount: 1 << 20) ?? Data()
                guard more.isEmpty else {
                    buffer += more
                    continue
                }
                defer { buffer = [] }
                searched = 0
                return buffer.isEmpty ? nil : String(decoding: buffer, as: UTF8.self)
            }
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(path: path) }
}

/// A value behind a lock.
final class Locked<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }

    var value: Value { state.withLock { $0 } }

    func change(_ body: (inout Value) -> Void) {
        state.withLock { value in
            var copy = value
            body(&copy)
            value = copy
        }
    }
}
