/// Where the artifacts are kept that clients send and fetch through the server.
package protocol ArtifactFiles: Sendable {
    /// Begins to receive a file; it is visible once it was committed, whole.
    func upload(to key: ArtifactKey) async throws -> any ArtifactUpload
    /// Opens a file; nil where there is none. A folder is refused with code `invalidParameter`.
    func open(_ key: ArtifactKey) async throws -> (any ArtifactReader)?
    /// What lies directly in a folder, sorted by name; empty for a file and for what does not exist.
    func list(_ key: ArtifactKey?) async throws -> [ArtifactEntry]
    /// Removes a file or a folder with all that is in it; what does not exist is no error.
    func delete(_ key: ArtifactKey) async throws
    /// The file on this machine's disk that holds an artifact's bytes, for reading; nil where there is none.
    func localPath(of key: ArtifactKey) async throws -> String?
}

/// A file that is being received.
package protocol ArtifactUpload: Sendable {
    func write(_ bytes: UnsafeRawBufferPointer) throws
    /// Waits until the disk has the file and gives it its name.
    func commit() async throws
    /// Throws the received bytes away.
    func abort()
}

/// A file that is open for reading; it is closed with its last reference.
package protocol ArtifactReader: Sendable {
    var size: Int { get }
    var modifiedAt: Timestamp { get }
    /// Tells these bytes from all others: their SHA-256 in hex.
    var digest: String { get }
    /// At most `count` bytes from `offset` on; empty at the end.
    ///
    /// A file that is read from its beginning to its end is compared with its digest before its last bytes are handed out.
    ///
    /// - Throws: `Failure` with code `artifactDamaged`.
    func read(at offset: Int, count: Int) throws -> [UInt8]
}

/// A file or folder in a list.
package struct ArtifactEntry: Sendable {
    package var name: String
    /// In bytes; nil for a folder.
    package var size: Int?

    package init(name: String, size: Int?) {
        self.name = name
        self.size = size
    }
}
