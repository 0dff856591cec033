package import BalanceCore
import Foundation

/// Artifacts as files below one folder.
///
/// Every step of a key is opened on its own and without following links, so that nothing below the folder can lead
/// outside, even if it changes while it is walked.
package struct FolderArtifactFiles: ArtifactFiles {
    private let root: String
    private let incoming: String

    /// - Parameter root: The artifact root; the files are in `mlflow-artifacts` below it.
    package init(root: String) {
        self.root = "\(root)/mlflow-artifacts"
        incoming = "\(root)/incoming"
    }

    package func upload(to key: ArtifactKey) throws -> any ArtifactUpload {
        try FileSystem.createDirectory(root)
        try FileSystem.createDirectory(incoming)
        let folder = try Folder(root).descend(key.segments.dropLast(), creating: true)
        guard let folder else { throw Self.invalid(key) }
        return try FileUpload(temporary: "\(incoming)/\(UUID().uuidString)", folder: folder, key: key)
    }

    package func open(_ key: ArtifactKey) throws -> (any ArtifactReader)? {
        guard FileManager.default.fileExists(atPath: root),
            let folder = try Folder(root).descend(key.segments.dropLast(), creating: false)
        else { return nil }
        let descriptor = openat(folder.descriptor, key.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            close(descriptor)
            if isFolder { throw Failure(.invalidParameter, "Invalid path: '\(key.text)' is a folder") }
            return nil
        }
        return FileReader(descriptor: descriptor, status: status)
    }

    package func list(_ key: ArtifactKey?) throws -> [ArtifactEntry] {
        guard FileManager.default.fileExists(atPath: root),
            let folder = try Folder(root).descend((key?.segments ?? [])[...], creating: false)
        else { return [] }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        return names.sorted().compactMap { name in
            var status = stat()
            guard fstatat(folder.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: return ArtifactEntry(name: name, size: nil)
            case S_IFREG: return ArtifactEntry(name: name, size: Int(status.st_size))
            default: return nil
            }
        }
    }

    package func delete(_ key: ArtifactKey) throws {
        guard FileManager.default.fileExists(atPath: root),
            let folder = try Folder(root).descend(key.segments.dropLast(), creating: false)
        else { return }
        let path = "\(folder.path)/\(key.name)"
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw Failure(.fileNotWritable, "'\(key.text)' could not be removed", hint: "check its owner", cause: error)
        }
    }

    fileprivate static func invalid(_ key: ArtifactKey) -> Failure {
        Failure(.invalidParameter, "Invalid path: a part of '\(key.text)' is a file")
    }
}

/// An open folder.
private final class Folder: Sendable {
    let descriptor: Int32

    init(_ path: String) throws {
        descriptor = Foundation.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(.fileNotWritable, "the artifact folder cannot be opened") }
    }

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// The folder's own path, whatever it was renamed to.
    var path: String { "/proc/self/fd/\(descriptor)" }

    /// The folder at the end of some steps; nil where one is missing or is no folder.
    func descend(_ steps: ArraySlice<String>, creating: Bool) throws -> Folder? {
        var folder = self
        for step in steps {
            if creating, mkdirat(folder.descriptor, step, 0o755) == 0 { fsync(folder.descriptor) }
            let next = openat(folder.descriptor, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { return nil }
            folder = Folder(descriptor: next)
        }
        return folder
    }
}

private final class FileUpload: ArtifactUpload {
    private let temporary: String
    private let folder: Folder
    private let key: ArtifactKey
    private let descriptor: Int32

    init(temporary: String, folder: Folder, key: ArtifactKey) throws {
        self.temporary = temporary
        self.folder = folder
        self.key = key
        descriptor = Foundation.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileSystem.failure("created", temporary) }
    }

    deinit {
        close(descriptor)
        unlink(temporary)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            let count = Foundation.write(descriptor, part.baseAddress, part.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileSystem.failure("written", key.text) }
            rest = rest.dropFirst(count)
        }
    }

    func commit() throws {
        guard fsync(descriptor) == 0 else { throw FileSystem.failure("written", key.text) }
        guard renameat(AT_FDCWD, temporary, folder.descriptor, key.name) == 0 else {
            if errno == EISDIR || errno == ENOTEMPTY { throw FolderArtifactFiles.invalid(key) }
            throw FileSystem.failure("written", key.text)
        }
        guard fsync(folder.descriptor) == 0 else { throw FileSystem.failure("written", key.text) }
    }

    func abort() { unlink(temporary) }
}

private final class FileReader: ArtifactReader {
    private let descriptor: Int32
    let size: Int
    let modifiedAt: Timestamp
    let tag: String

    init(descriptor: Int32, status: stat) {
        self.descriptor = descriptor
        size = Int(status.st_size)
        #if os(Linux)
        let time = status.st_mtim
        #else
        let time = status.st_mtimespec
        #endif
        modifiedAt = Timestamp(milliseconds: Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000)
        tag = "\"\(String(UInt64(status.st_ino), radix: 36))-\(size)-\(time.tv_sec).\(time.tv_nsec)\""
    }

    deinit { close(descriptor) }

    func read(at offset: Int, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let got = pread(descriptor, buffer.baseAddress, count, off_t(offset))
            guard got >= 0 else { throw FileSystem.failure("read", "an artifact") }
            filled = got
        }
    }
}
