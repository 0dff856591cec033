import BalanceSystem
package import BalanceCore
import Foundation

/// Artifacts whose names are rows and whose bytes are files named by their SHA-256, so that identical files are one.
///
/// A file is on disk before its row is committed, and a row is gone before its file is removed; both happen under the
/// database's write lock, so that an upload and a removal of the same bytes cannot cross.
package struct SQLArtifactFiles: ArtifactFiles {
    private let database: any SQLDatabase
    private let blobs: BlobFolder
    private let former: String

    /// The files of an artifact root.
    package init(database: any SQLDatabase, root: String) {
        self.database = database
        blobs = BlobFolder(root: root)
        former = "\(root)/mlflow-artifacts"
    }

    package func upload(to key: ArtifactKey) async throws -> any ArtifactUpload {
        try await database.read { try Self.checkPlace(of: key, $0) }
        return try Upload(files: self, key: key, blob: blobs.begin())
    }

    package func open(_ key: ArtifactKey) async throws -> (any ArtifactReader)? {
        var seen: String?
        while let row = try await row(key) {
            guard let digest = row.text(0), let size = row.integer(1) else {
                throw Failure(.invalidParameter, "Invalid path: '\(key.text)' is a folder")
            }
            do {
                return try blobs.open(digest, size: size, modifiedAt: Timestamp(milliseconds: row.integer(2) ?? 0))
            } catch {
                // The file may have been replaced since its row was read; then the row tells others bytes now.
                if seen == digest { throw error }
                seen = digest
            }
        }
        return nil
    }

    package func list(_ key: ArtifactKey?) async throws -> [ArtifactEntry] {
        try await database.read { connection in
            try connection.rows(
                "SELECT path, size FROM artifact WHERE parent = ? ORDER BY path",
                [.text(key?.text ?? "")]
            ).map { row in
                let name = row.text(0)?.split(separator: "/").last.map(String.init)
                return ArtifactEntry(name: name ?? "", size: row.integer(1))
            }
        }
    }

    package func delete(_ key: ArtifactKey) async throws {
        _ = try await remove([key.text])
    }

    package func localPath(of key: ArtifactKey) async throws -> String? {
        try await row(key)?.text(0).map(blobs.path)
    }

    /// Removes files and folders, and the bytes that no other name stands for.
    ///
    /// - Returns: How many bytes the disk has back.
    package func remove(_ paths: [String]) async throws -> Int {
        let digests = try await database.write { connection in
            try paths.flatMap { path in
                try connection.rows(
                    "DELETE FROM artifact WHERE path = ? OR (path >= ? AND path < ?) RETURNING digest",
                    // '0' is the character behind '/'.
                    [.text(path), .text("\(path)/"), .text("\(path)0")]
                ).compactMap { $0.text(0) }
            }
        }
        return try await removeUnused(Set(digests))
    }

    /// How many files lie below some paths, and how many bytes only they hold.
    package func usage(of paths: [String]) async throws -> (files: Int, bytes: Int) {
        try await database.read { connection in
            var count = 0
            var own: [String: (uses: Int, size: Int)] = [:]
            for path in paths {
                let rows = try connection.rows(
                    "SELECT digest, size FROM artifact WHERE digest IS NOT NULL "
                        + "AND (path = ? OR (path >= ? AND path < ?))",
                    [.text(path), .text("\(path)/"), .text("\(path)0")]
                )
                count += rows.count
                for row in rows {
                    own[row.text(0) ?? "", default: (0, row.integer(1) ?? 0)].uses += 1
                }
            }
            let bytes = try own.reduce(0) { sum, entry in
                let all = try connection.rows("SELECT COUNT(*) FROM artifact WHERE digest = ?", [.text(entry.key)])
                return sum + (all.first?.integer(0) == entry.value.uses ? entry.value.size : 0)
            }
            return (count, bytes)
        }
    }

    /// Removes files that no row names and uploads that never ended, older than an hour: what crashes leave behind.
    package func sweep() async throws -> Int {
        blobs.sweepIncoming(olderThan: 3600)
        return try await removeUnused(Set(blobs.digests(olderThan: 3600)))
    }

    /// Takes over the files that an earlier release kept under their own names.
    package func adoptFormerFolder() async throws {
        guard let paths = FileManager.default.enumerator(atPath: former) else { return }
        while let path = paths.nextObject() as? String {
            let file = "\(former)/\(path)"
            guard FileSystem.size(of: file) != nil, let key = try? ArtifactKey(path),
                let handle = FileHandle(forReadingAtPath: file)
            else { continue }
            let upload = try await upload(to: key)
            while let data = try handle.read(upToCount: 1 << 20), !data.isEmpty {
                try data.withUnsafeBytes { try upload.write($0) }
            }
            try await upload.commit()
            unlink(file)
        }
        try? FileManager.default.removeItem(atPath: former)
    }

    private func row(_ key: ArtifactKey) async throws -> SQLRow? {
        try await database.read { connection in
            try connection.rows(
                "SELECT digest, size, modified_at_ms FROM artifact WHERE path = ?",
                [.text(key.text)]
            ).first
        }
    }

    private func removeUnused(_ digests: Set<String>) async throws -> Int {
        let blobs = self.blobs
        return try await database.write { connection in
            try digests.reduce(0) { freed, digest in
                let used = try connection.rows("SELECT 1 FROM artifact WHERE digest = ? LIMIT 1", [.text(digest)])
                guard used.isEmpty else { return freed }
                let size = FileSystem.size(of: blobs.path(of: digest)) ?? 0
                blobs.remove(digest)
                return freed + size
            }
        }
    }

    fileprivate func publish(_ blob: IncomingBlob, as key: ArtifactKey) async throws {
        let (digest, size) = try blob.finish()
        let blobs = self.blobs
        let before = try await database.write { connection in
            try Self.checkPlace(of: key, connection)
            try blobs.publish(blob, digest: digest)
            let old = try connection.rows("SELECT digest FROM artifact WHERE path = ?", [.text(key.text)])
            try Self.insert(key, digest: digest, size: size, connection)
            return old.first?.text(0)
        }
        if let before, before != digest { _ = try await removeUnused([before]) }
    }

    private static func insert(
        _ key: ArtifactKey,
        digest: String,
        size: Int,
        _ connection: any SQLConnection
    ) throws {
        let now = SQLValue.integer(Timestamp.now().milliseconds)
        var parent = ""
        for segment in key.segments.dropLast() {
            let path = parent.isEmpty ? segment : "\(parent)/\(segment)"
            try connection.execute(
                "INSERT INTO artifact (path, parent, modified_at_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [.text(path), .text(parent), now]
            )
            parent = path
        }
        try connection.execute(
            "INSERT INTO artifact (path, parent, digest, size, modified_at_ms) VALUES (?, ?, ?, ?, ?) "
                + "ON CONFLICT (path) DO UPDATE SET digest = excluded.digest, size = excluded.size, "
                + "modified_at_ms = excluded.modified_at_ms",
            [.text(key.text), .text(parent), .text(digest), .integer(size), now]
        )
    }

    /// Refuses a key that runs through a file or names a folder.
    private static func checkPlace(of key: ArtifactKey, _ connection: any SQLConnection) throws {
        let above = (1..<max(key.segments.count, 1)).map { key.segments.prefix($0).joined(separator: "/") }
        for path in above {
            let rows = try connection.rows("SELECT digest FROM artifact WHERE path = ?", [.text(path)])
            if rows.first?.text(0) != nil {
                throw Failure(.invalidParameter, "Invalid path: a parent folder of '\(key.text)' is a file")
            }
        }
        let own = try connection.rows("SELECT digest FROM artifact WHERE path = ?", [.text(key.text)])
        if let row = own.first, row.text(0) == nil {
            throw Failure(.invalidParameter, "Invalid path: '\(key.text)' is a folder")
        }
    }
}

private struct Upload: ArtifactUpload {
    let files: SQLArtifactFiles
    let key: ArtifactKey
    let blob: IncomingBlob

    func write(_ bytes: UnsafeRawBufferPointer) throws { try blob.write(bytes) }

    func commit() async throws {
        do {
            try await files.publish(blob, as: key)
        } catch {
            blob.abort()
            throw error
        }
    }

    func abort() { blob.abort() }
}
