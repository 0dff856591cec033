import BalanceCore
import Crypto
import Foundation
import Synchronization

/// Files that are named by the SHA-256 of their bytes, below one folder of ours.
struct BlobFolder: Sendable {
    let root: String
    private let incoming: String

    /// - Parameter root: The artifact root; the files are in `blobs` below it.
    init(root: String) {
        self.root = "\(root)/blobs"
        incoming = "\(root)/incoming"
    }

    func path(of digest: String) -> String { "\(root)/\(digest.prefix(2))/\(digest)" }

    /// A new file to write to.
    func begin() throws -> IncomingBlob {
        try FileSystem.createDirectory(incoming)
        return try IncomingBlob(temporary: "\(incoming)/\(UUID().uuidString)")
    }

    /// Gives a finished file its name; bytes that are there already are replaced by the same ones, known to be whole.
    func publish(_ blob: IncomingBlob, digest: String) throws {
        let path = path(of: digest)
        let folder = FileSystem.parent(of: path)
        if !FileManager.default.fileExists(atPath: folder) {
            try FileSystem.createDirectory(folder)
            try FileSystem.syncDirectory(root)
        }
        try FileSystem.publish(blob.temporary, as: path)
    }

    /// - Throws: `Failure` with code `artifactDamaged` where the file is missing or not what was stored.
    func open(_ digest: String, size: Int, modifiedAt: Timestamp) throws -> BlobReader {
        let descriptor = Foundation.open(path(of: digest), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.damaged(digest, "is missing") }
        var status = stat()
        let isOurs = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_nlink == 1
        guard isOurs, Int(status.st_size) == size else {
            close(descriptor)
            throw Self.damaged(digest, "does not match the stored file")
        }
        return BlobReader(descriptor: descriptor, digest: digest, size: size, modifiedAt: modifiedAt)
    }

    func remove(_ digest: String) { unlink(path(of: digest)) }

    /// The digests of all files that were last written longer ago than some seconds.
    func digests(olderThan seconds: Double) -> [String] {
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return folders.flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)")) ?? [])
                .filter { (FileSystem.age(of: "\(root)/\(folder)/\($0)") ?? 0) > seconds }
        }
    }

    /// Removes uploads that a crash interrupted.
    func sweepIncoming(olderThan seconds: Double) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: incoming)) ?? [] {
            let path = "\(incoming)/\(name)"
            if (FileSystem.age(of: path) ?? 0) > seconds { unlink(path) }
        }
    }

    static func damaged(_ digest: String, _ what: String) -> Failure {
        Failure(
            .artifactDamaged,
            "The stored artifact \(digest.prefix(12))… \(what).",
            hint: "upload it again, or restore a backup"
        )
    }
}

/// A file that is being written and hashed.
final class IncomingBlob: Sendable {
    private struct State {
        var hash = SHA256()
        var size = 0
    }

    let temporary: String
    private let descriptor: Int32
    private let state = Mutex(State())

    init(temporary: String) throws {
        self.temporary = temporary
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileSystem.failure("created", "an artifact") }
    }

    deinit {
        close(descriptor)
        // Gone already where it was published.
        unlink(temporary)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileSystem.failure("written", "an artifact") }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        state.withLock { state in
            state.hash.update(bufferPointer: bytes)
            state.size += bytes.count
        }
    }

    /// Waits until the disk has the bytes.
    func finish() throws -> (digest: String, size: Int) {
        guard fsync(descriptor) == 0 else { throw FileSystem.failure("written", "an artifact") }
        return state.withLock { ($0.hash.finalize().hexadecimal, $0.size) }
    }

    func abort() { unlink(temporary) }
}

/// A stored file that is compared with its digest while it is read.
final class BlobReader: ArtifactReader {
    private struct Check {
        var hash = SHA256()
        /// How far the file was read without a gap.
        var offset = 0
    }

    private let descriptor: Int32
    let digest: String
    let size: Int
    let modifiedAt: Timestamp
    private let check = Mutex(Check())

    init(descriptor: Int32, digest: String, size: Int, modifiedAt: Timestamp) {
        self.descriptor = descriptor
        self.digest = digest
        self.size = size
        self.modifiedAt = modifiedAt
    }

    deinit { close(descriptor) }

    func read(at offset: Int, count: Int) throws -> [UInt8] {
        let bytes = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let got = pread(descriptor, buffer.baseAddress, count, off_t(offset))
            guard got >= 0 else { throw FileSystem.failure("read", "an artifact") }
            filled = got
        }
        let isWhole = check.withLock { check in
            guard check.offset == offset else { return true }
            check.hash.update(data: bytes)
            check.offset += bytes.count
            return check.offset < size || check.hash.finalize().hexadecimal == digest
        }
        guard isWhole else { throw BlobFolder.damaged(digest, "does not match the stored content") }
        return bytes
    }
}
