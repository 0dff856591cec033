import BalanceCore
import BalanceStore
import Synchronization

/// An upload that knows how much went through it.
final class CountingUpload: ArtifactUpload {
    private let upload: any ArtifactUpload
    private let count = Atomic(0)

    init(_ upload: any ArtifactUpload) { self.upload = upload }

    var size: Int { count.load(ordering: .relaxed) }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try upload.write(bytes)
        count.add(bytes.count, ordering: .relaxed)
    }

    func commit() async throws { try await upload.commit() }

    func abort() { upload.abort() }
}

/// An upload that stays in memory.
final class BufferUpload: ArtifactUpload {
    private let buffer = Mutex<[UInt8]>([])

    var bytes: [UInt8] { buffer.withLock { $0 } }

    func write(_ bytes: UnsafeRawBufferPointer) { buffer.withLock { $0.append(contentsOf: bytes) } }

    func commit() {}

    func abort() {}
}

/// Writes files of the artifact root.
enum FileSystemWriter {
    static func write(_ bytes: [UInt8], to path: String) throws { try FileSystem.write(bytes, to: path) }
}
