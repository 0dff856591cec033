import BalanceCore
import BalanceService
import BalanceStore
import BalanceSystem
import Crypto
import Foundation

/// A folder with a copy of everything that a server keeps: the database, the artifacts, the served files and the key of
/// the audit trail.
struct BackupFolder {
    let path: String

    private static let database = "balanceops.db"
    private static let artifacts = "artifacts"
    private static let served = "served"
    private static let key = "audit-key"
    /// What lies beside the key: the public half, and the newest line that was signed.
    private static let besideKey = ["", ".pub", ".head"]

    // MARK: - Writing

    /// Writes a backup, also while servers and other commands write; the folder must be new or empty.
    ///
    /// Every file is hashed as it is copied and read again at the end.
    func write(_ workspace: Workspace, progress: CountProgress) async throws -> BackupManifest {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        guard names.isEmpty else {
            throw Failure(.invalidArgument, "\(path) is not empty", hint: "pass a new folder with --to")
        }
        try FileSystem.createDirectory(path)
        var files: [BackupManifest.File] = []
        // Before the database: a head that is newer than the copy would make its trail look cut off.
        for end in Self.besideKey {
            let key = Workspace.auditKeyPath(workspace.settings) + end
            if FileManager.default.fileExists(atPath: key) { files.append(try copy(key, to: Self.key + end)) }
        }
        // Before the files: bytes are stored before the rows that name them.
        let contents = try workspace.database.copy(to: "\(path)/\(Self.database)")
        files.append(try describe(Self.database))
        let served = try await copyServed(contents, of: workspace)
        files += served.map(\.file)
        files += try copyArtifacts(of: workspace, progress)
        try requireAll(contents.blobs, in: files)
        try verify(files, progress)
        let manifest = BackupManifest(
            createdAt: .now(),
            schema: contents.schema,
            files: files,
            served: served.map { ($0.model, $0.file.path) }
        )
        try manifest.write(to: path)
        return manifest
    }

    /// The files that serve by the rows of the copy; one that a promotion has exchanged since comes from where its version
    /// was registered.
    private func copyServed(
        _ contents: DatabaseContents,
        of workspace: Workspace
    ) async throws -> [(model: String, file: BackupManifest.File)] {
        var copied: [(model: String, file: BackupManifest.File)] = []
        for (index, current) in contents.served.enumerated() {
            let name = "\(Self.served)/\(index).model"
            let from = try workspace.files.currentPath(of: current.model)
            if FileManager.default.fileExists(atPath: from) {
                let file = try copy(from, to: name)
                if current.digest == nil || file.digest == current.digest {
                    copied.append((current.model, file))
                    continue
                }
            }
            let version = try await workspace.models.version(current.version, of: current.model)
            // A version that cannot be executed has the alias and no served file.
            guard let loaded = try? await workspace.versionFiles.load(version), loaded.digest == current.digest else {
                try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
                continue
            }
            copied.append((current.model, try copy(loaded.path, to: name)))
        }
        return copied
    }

    private func copyArtifacts(of workspace: Workspace, _ progress: CountProgress) throws -> [BackupManifest.File] {
        let root = URL(fileURLWithPath: workspace.settings[.artifacts].text).resolvingSymlinksInPath().path
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: root)) ?? []
        let passing = [".promoting-", ".staged-", ".previous-"]
        let current = URL(fileURLWithPath: workspace.settings[.currentModel].text).resolvingSymlinksInPath()
        let folder = current.deletingLastPathComponent().path
        return try names.sorted().compactMap { name in
            let from = "\(root)/\(name)"
            let type = try? FileManager.default.attributesOfItem(atPath: from)[.type] as? FileAttributeType
            guard type == .typeRegular, !name.hasPrefix("incoming/"), !passing.contains(where: name.contains),
                from != current.path, !(from.hasSuffix(".current.model") && FileSystem.parent(of: from) == folder)
            else { return nil }
            progress.step()
            do {
                return try copy(from, to: "\(Self.artifacts)/\(name)")
            } catch  where !FileManager.default.fileExists(atPath: from) {
                // Removed since the folder was listed.
                return nil
            }
        }
    }

    private func requireAll(_ blobs: [(digest: String, size: Int)], in files: [BackupManifest.File]) throws {
        let copied = Dictionary(files.map { ($0.digest, $0.size) }) { first, _ in first }
        let lost = blobs.filter { copied[$0.digest] != $0.size }
        guard let first = lost.first else { return }
        throw Failure(
            .artifactDamaged,
            "\(Plain.count(lost.count, "stored artifact")) of the database cannot be copied, such as \(first.digest.prefix(12))…",
            hint: "if a purge ran meanwhile, run the backup again; else balanceops doctor shows what is damaged"
        )
    }

    // MARK: - Reading

    /// Copies a backup to where the settings say; nothing may be there yet.
    ///
    /// All files are compared with their SHA-256 before the first is written.
    func restore(_ settings: Settings, progress: CountProgress) throws -> BackupManifest {
        let manifest = try BackupManifest(of: path)
        try Self.requireNothing(settings)
        try verify(manifest.files, progress)
        umask(0o077)
        let models = FileModelFiles(defaultPath: settings[.currentModel].text)
        let served = Dictionary(manifest.served.map { ($0.path, $0.model) }) { first, _ in first }
        for file in manifest.files where file.path != Self.database {
            if let model = served[file.path] {
                try place(file, at: models.currentPath(of: model))
            } else if let end = file.path.dropPrefix(Self.key) {
                try place(file, at: Workspace.auditKeyPath(settings) + end)
            } else if let name = file.path.dropPrefix(Self.artifacts + "/") {
                try place(file, at: "\(settings[.artifacts].text)/\(name)")
            }
            progress.step()
        }
        // Last: where there is a database, everything that it names is there.
        for file in manifest.files where file.path == Self.database { try place(file, at: settings[.database].text) }
        return manifest
    }

    /// Compares all files with what the manifest says.
    func verified(progress: CountProgress) throws -> BackupManifest {
        let manifest = try BackupManifest(of: path)
        try verify(manifest.files, progress)
        return manifest
    }

    private static func requireNothing(_ settings: Settings) throws {
        let database = settings[.database].text
        let artifacts = settings[.artifacts].text
        let found = [database, Workspace.auditKeyPath(settings), settings[.currentModel].text].first {
            FileManager.default.fileExists(atPath: $0)
        }
        let isFull = (try? FileManager.default.contentsOfDirectory(atPath: artifacts))?.isEmpty == false
        guard let existing = found ?? (isFull ? artifacts : nil) else { return }
        throw Failure(
            .alreadyExists,
            "\(existing) exists: a restore overwrites nothing",
            hint: "restore to a new folder with --data DIR, or move the old one away first"
        )
    }

    // MARK: - Files

    private func verify(_ files: [BackupManifest.File], _ progress: CountProgress) throws {
        for file in files {
            let found = try describe(file.path)
            guard found.size == file.size, found.digest == file.digest else {
                throw Failure(
                    .artifactDamaged,
                    "\(path)/\(file.path) is not what was backed up",
                    hint: "use another backup; this one is damaged"
                )
            }
            progress.step()
        }
    }

    private func describe(_ name: String) throws -> BackupManifest.File {
        let (size, digest) = try Self.pass("\(path)/\(name)") { _ in }
        return .init(path: name, size: size, digest: digest)
    }

    private func copy(_ from: String, to name: String) throws -> BackupManifest.File {
        let (size, digest) = try Self.copy(from, to: "\(path)/\(name)")
        return .init(path: name, size: size, digest: digest)
    }

    private func place(_ file: BackupManifest.File, at target: String) throws {
        _ = try Self.copy("\(path)/\(file.path)", to: target)
    }

    private static func copy(_ from: String, to target: String) throws -> (size: Int, digest: String) {
        try FileSystem.createDirectory(FileSystem.parent(of: target))
        guard FileManager.default.createFile(atPath: target, contents: nil, attributes: [.posixPermissions: 0o600]),
            let output = FileHandle(forWritingAtPath: target)
        else { throw Failure(.fileNotWritable, "cannot write \(target)", hint: "check the disk and its permissions") }
        defer { try? output.close() }
        do {
            let copied = try pass(from) { try output.write(contentsOf: $0) }
            try output.synchronize()
            return copied
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.fileNotWritable, "cannot write \(target)", hint: "check the space on the disk", cause: error)
        }
    }

    /// Reads a file piece by piece: its size and its SHA-256.
    private static func pass(_ path: String, _ body: (Data) throws -> Void) throws -> (size: Int, digest: String) {
        guard let input = FileHandle(forReadingAtPath: path) else {
            throw Failure(.fileNotFound, "cannot read \(path)", hint: "check its permissions")
        }
        defer { try? input.close() }
        var hash = SHA256()
        var size = 0
        while let data = try input.read(upToCount: 1 << 20), !data.isEmpty {
            try body(data)
            hash.update(data: data)
            size += data.count
        }
        return (size, hash.finalize().hexadecimal)
    }
}
