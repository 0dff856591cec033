import BalanceCore
import Foundation
import NIOCore

/// A file's bytes, a piece at a time.
struct FileChunks: AsyncSequence, Sendable {
    let path: String
    /// In bytes.
    let size: Int

    fileprivate static let chunk = 1 << 20

    /// Throws `Failure` with code `fileNotFound`.
    init(_ path: String) throws {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let size = attributes?[.size] as? Int, FileManager.default.isReadableFile(atPath: path) else {
            throw BalanceCore.Failure(.fileNotFound, "cannot read \(path)", hint: "check the path and its permissions")
        }
        self.path = path
        self.size = size
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let path: String
        var file: FileHandle?

        mutating func next() async throws -> ByteBuffer? {
            let open = file ?? FileHandle(forReadingAtPath: path)
            file = open
            guard let open else {
                throw BalanceCore.Failure(.fileNotFound, "cannot read \(path)", hint: "check its permissions")
            }
            guard let data = try open.read(upToCount: FileChunks.chunk), !data.isEmpty else {
                try open.close()
                return nil
            }
            return ByteBuffer(bytes: data)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(path: path) }
}
