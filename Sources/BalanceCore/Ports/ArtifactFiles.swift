/// Where the artifacts are kept that clients send and fetch through the server.
package protocol ArtifactFiles: Sendable {
    /// Begins to receive a file; it is visible once it was committed, whole.
    func upload(to key: ArtifactKey) throws -> any ArtifactUpload
    /// Opens a file; nil where there is none. A folder is refused with code `invalidParameter`.
    func open(_ key: ArtifactKey) throws -> (any ArtifactReader)?
    /// What lies directly in a folder, sorted by name; empty for a file and for what does not exist.
    func list(_ key: ArtifactKey?) throws -> [ArtifactEntry]
    /// Removes a file or a folder with all that is in it; what does not exist is no error.
    func delete(_ key: ArtifactKey) throws
}

/// A file that is being received.
package protocol ArtifactUpload: Sendable {
    func write(_ bytes: UnsafeRawBufferPointer) throws
    /// Waits until the disk has the file and gives it its name.
    func commit() throws
    /// Throws the received bytes away.
    func abort()
}

/// A file that is open for reading; it is closed with its last reference.
package protocol ArtifactReader: Sendable {
    var size: Int { get }
    var modifiedAt: Timestamp { get }
    /// Tells this state of the file from every other.
    var tag: String { get }
    /// At most `count` bytes from `offset` on; empty at the end.
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
