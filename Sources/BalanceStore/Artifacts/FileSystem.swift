import BalanceCore
import Foundation

/// Files that are written whole or not at all.
package enum FileSystem {
    /// Creates a folder and those above it.
    package static func createDirectory(_ path: String) throws {
        guard !path.isEmpty else { return }
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw Failure(.fileNotWritable, "cannot create the folder \(path)", hint: "check its owner", cause: error)
        }
    }

    /// The folder of a path; `.` for a bare name.
    package static func parent(of path: String) -> String {
        let parent = (path as NSString).deletingLastPathComponent
        return parent.isEmpty ? "." : parent
    }

    /// The size of a regular file in bytes, or nil where there is none.
    package static func size(of path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// How many seconds ago a file was last written, or nil where there is none.
    package static func age(of path: String) -> Double? {
        let date = try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
        return date.map { -$0.timeIntervalSinceNow }
    }

    /// Writes a file: a temporary file in the same folder, fsync, rename, fsync of the folder.
    package static func write(_ bytes: [UInt8], to path: String) throws {
        let folder = parent(of: path)
        try createDirectory(folder)
        let temporary = "\(folder)/.\((path as NSString).lastPathComponent).\(UUID().uuidString.prefix(8)).tmp"
        do {
            try writeDurably(bytes, to: temporary)
            try publish(temporary, as: path)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Creates a new file and waits until the disk has it.
    package static func writeDurably(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("created", path) }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("written", path) }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw failure("written", path) }
    }

    /// Gives a finished file its name, over whatever had it, and waits until the disk knows.
    package static func publish(_ temporary: String, as path: String) throws {
        guard rename(temporary, path) == 0 else { throw failure("renamed", path) }
        try syncDirectory(parent(of: path))
    }

    /// Waits until the disk has a folder's names.
    package static func syncDirectory(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("opened", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("written", path) }
    }

    /// Whether a text can stand as one name in a folder.
    package static func isFileName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return !bytes.isEmpty && bytes.count <= 200 && text != "." && text != ".."
            && bytes.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\\") }
    }

    static func failure(_ action: String, _ path: String) -> Failure {
        let number = errno
        let code: Failure.Code = number == ENOSPC || number == EDQUOT ? .storageFull : .fileNotWritable
        return Failure(
            code,
            "\(path) could not be \(action): \(String(cString: strerror(number)))",
            hint: code == .storageFull ? "free some space on that disk" : "check the folder and its permissions"
        )
    }
}

/// A lock between processes that ends with the process that holds it.
enum FileLock {
    static func withLock<Value>(at path: String, _ body: () throws -> Value) throws -> Value {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw Failure(
                .fileNotWritable,
                "cannot create \(path): \(String(cString: strerror(errno)))",
                hint: "check the folder and its permissions"
            )
        }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw Failure(.unavailable, "cannot lock \(path)") }
        }
        return try body()
    }
}

/// The one server of a data folder, for as long as its process lives.
package final class ServerLease: Sendable {
    private let descriptor: Int32

    /// - Throws: `Failure` with code `folderInUse` where another server holds it.
    package init(database: String) throws {
        let path = database + ".server"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileSystem.failure("created", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw Failure(
                .folderInUse,
                "another server uses \(database)",
                hint: "stop it, or use another folder with --data"
            )
        }
    }

    deinit { close(descriptor) }
}

/// A share of the lock of a folder between processes that lasts as long as this object, and no longer than its process.
final class FileLease: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Holds a lock with others.
    static func shared(at path: String) throws -> FileLease {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSystem.failure("opened", path) }
        while flock(descriptor, LOCK_SH) != 0 {
            guard errno == EINTR else {
                close(descriptor)
                throw Failure(.unavailable, "cannot lock \(path)")
            }
        }
        return FileLease(descriptor: descriptor)
    }

    /// Holds a lock alone; nil where somebody else holds it, or where there is no folder.
    static func exclusive(at path: String) -> FileLease? {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        return FileLease(descriptor: descriptor)
    }

    /// Says where a holder's use of it ends, which a value that nobody mentions again may be freed before.
    func end() { flock(descriptor, LOCK_UN) }
}
