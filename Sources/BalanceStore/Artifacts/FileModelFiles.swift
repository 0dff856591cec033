package import BalanceCore
import Crypto
import Foundation

/// The served model files, exchanged by rename with a note that lets the next start finish or take back an exchange.
///
/// Beside the served file stand, while an exchange goes on: the staged copy, a hard link to the old file and the note
/// `….promoting` with the new file's digest. The database's row decides which of the two holds.
package struct FileModelFiles: ModelFiles {
    private let defaultPath: String

    /// - Parameter defaultPath: Where the model named ``defaultModelName`` is served from.
    package init(defaultPath: String) { self.defaultPath = defaultPath }

    package func currentPath(of name: String) throws -> String {
        if name == defaultModelName { return defaultPath }
        let safe = CharacterSet.alphanumerics.intersection(
            CharacterSet(charactersIn: Unicode.Scalar(0)...Unicode.Scalar(127))
        )
        .union(CharacterSet(charactersIn: "-_."))
        let file = name.addingPercentEncoding(withAllowedCharacters: safe) ?? ""
        guard FileSystem.isFileName(file), !name.hasPrefix(".") else {
            throw Failure(
                .invalidArgument,
                "'\(name)' cannot be the name of a model that serves",
                hint: "use a shorter one, of letters, digits, '-', '_' and '.'"
            )
        }
        return "\(FileSystem.parent(of: defaultPath))/\(file).current.model"
    }

    package func load(_ path: String) throws -> (bytes: [UInt8], digest: String) {
        let bytes = try Self.read(path)
        return (bytes, Self.digest(of: bytes))
    }

    package func stage(_ source: String, for name: String) throws -> StagedModel {
        let (bytes, digest) = try load(source)
        let staged = StagedModel(
            token: String(UUID().uuidString.prefix(8)).lowercased(),
            bytes: bytes,
            digest: digest
        )
        let path = try currentPath(of: name)
        try FileSystem.createDirectory(FileSystem.parent(of: path))
        try FileSystem.writeDurably(bytes, to: stagedPath(path, staged.token))
        return staged
    }

    package func install(_ staged: StagedModel, for name: String) throws {
        let path = try currentPath(of: name)
        let hasPrevious = FileSystem.size(of: path) != nil
        if hasPrevious { try keep(path, as: previousPath(path, staged.token)) }
        let note = JSONValue.object([
            ("token", .string(staged.token)), ("digest", .string(staged.digest)), ("has_previous", .bool(hasPrevious)),
        ])
        try FileSystem.write(note.bytes(), to: notePath(path))
        try FileSystem.publish(stagedPath(path, staged.token), as: path)
    }

    package func discard(_ staged: StagedModel, for name: String) {
        guard let path = try? currentPath(of: name) else { return }
        unlink(stagedPath(path, staged.token))
    }

    package func repair(_ name: String, current: CurrentModel?) throws {
        let path = try currentPath(of: name)
        if let note = note(of: path) {
            if current?.digest != note.digest { try restore(path, note) }
            // The note goes last: as long as it is there, the old file is too.
            unlink(notePath(path))
            unlink(previousPath(path, note.token))
            try FileSystem.syncDirectory(FileSystem.parent(of: path))
        }
        sweep(path)
    }

    package func isExchangeAbandoned(_ name: String) -> Bool {
        guard let path = try? currentPath(of: name) else { return false }
        return (FileSystem.age(of: notePath(path)) ?? 0) > 5
    }

    /// Removes what exchanges left behind that ended before they had a note.
    private func sweep(_ path: String) {
        let folder = FileSystem.parent(of: path)
        let file = (path as NSString).lastPathComponent
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            let isUnfinished =
                Self.isToken(name, behind: "\(file).staged-") || (name.hasPrefix(".\(file)") && name.hasSuffix(".tmp"))
            // Another process may be staging right now; an old file is a link that only a finished exchange left.
            let isOld = (FileSystem.age(of: "\(folder)/\(name)") ?? 0) > 600
            if Self.isToken(name, behind: "\(file).previous-") || (isUnfinished && isOld) {
                unlink("\(folder)/\(name)")
            }
        }
    }

    /// Whether a name is a prefix and an exchange's token, and not the file of a model that is called so.
    private static func isToken(_ name: String, behind prefix: String) -> Bool {
        let rest = name.utf8.dropFirst(prefix.utf8.count)
        return name.hasPrefix(prefix) && (1...8).contains(rest.count)
            && rest.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    /// The bytes of a model file of at most 1 GiB.
    private static func read(_ path: String) throws -> [UInt8] {
        guard let size = FileSystem.size(of: path) else {
            throw Failure(
                .modelFileMissing,
                "model_path not found: \(path)",
                hint: "balanceops promote --run-id RUN --model-path FILE"
            )
        }
        guard size <= 1 << 30 else { throw Failure(.modelNotReadable, "\(path) is larger than 1 GiB") }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure(.modelFileMissing, "\(path) cannot be read", hint: "check its owner and permissions")
        }
        return Array(data)
    }

    /// SHA-256 in hex.
    private static func digest(of bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).hexadecimal
    }

    private struct Note {
        var token: String
        /// Of the new file.
        var digest: String
        var hasPrevious: Bool
    }

    /// A second name for the current file, or a copy where the file system has no second names.
    private func keep(_ path: String, as previous: String) throws {
        if link(path, previous) == 0 { return }
        try FileSystem.writeDurably(Self.read(path), to: previous)
    }

    /// Puts the old file back if the new one is in its place.
    private func restore(_ path: String, _ note: Note) throws {
        guard FileSystem.size(of: path) != nil, Self.digest(of: try Self.read(path)) == note.digest else { return }
        if note.hasPrevious {
            try FileSystem.publish(previousPath(path, note.token), as: path)
        } else {
            unlink(path)
        }
    }

    private func note(of path: String) -> Note? {
        guard let data = FileManager.default.contents(atPath: notePath(path)),
            let note = try? JSONValue(parsing: Array(data)),
            let token = note["token"]?.string, let digest = note["digest"]?.string, FileSystem.isFileName(token)
        else { return nil }
        return Note(token: token, digest: digest, hasPrevious: note["has_previous"]?.boolean ?? true)
    }

    private func notePath(_ path: String) -> String { "\(path).promoting" }

    private func stagedPath(_ path: String, _ token: String) -> String { "\(path).staged-\(token)" }

    private func previousPath(_ path: String, _ token: String) -> String { "\(path).previous-\(token)" }
}
