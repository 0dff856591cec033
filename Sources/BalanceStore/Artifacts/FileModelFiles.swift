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
        if name.utf8.elementsEqual(defaultModelName.utf8) { return defaultPath }
        guard !name.isEmpty else { throw Failure(.invalidArgument, "a served model needs a name") }
        return "\(folder)/\(Self.fileName(of: name)).current.model"
    }

    private var folder: String { FileSystem.parent(of: defaultPath) }

    /// A name's bytes as a file's name: of plain ones themselves, of others `%XX`; of a long name its beginning and its
    /// SHA-256, since a file's name has 255 bytes at most.
    private static func fileName(of name: String) -> String {
        var file = ""
        for (index, byte) in name.utf8.enumerated() {
            let character = Character(Unicode.Scalar(byte))
            let isPlain = character.isASCII && (character.isLetter || character.isNumber || "-_".contains(character))
            let isDot = byte == UInt8(ascii: ".") && index > 0
            file +=
                isPlain || isDot
                ? String(character) : (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
        }
        guard file.utf8.count > longestName else { return file }
        return "\(file.prefix(longestName / 2))-\(digest(of: Array(name.utf8)).prefix(32))"
    }

    private static let longestName = 180

    package func load(_ path: String) throws -> (bytes: [UInt8], digest: String) {
        let bytes = try Self.read(path)
        return (bytes, Self.digest(of: bytes))
    }

    package func stage(_ source: String, for name: String) throws -> StagedModel {
        let (bytes, digest) = try load(source)
        let path = try currentPath(of: name)
        try FileSystem.createDirectory(folder)
        let staged = StagedModel(
            token: String(UUID().uuidString.prefix(8)).lowercased(),
            bytes: bytes,
            digest: digest,
            lease: try FileLease.shared(at: folder)
        )
        try FileSystem.writeDurably(bytes, to: stagedPath(path, staged.token))
        return staged
    }

    package func install(_ staged: StagedModel, for name: String) throws {
        let path = try currentPath(of: name)
        let hasPrevious = FileSystem.size(of: path) != nil
        if hasPrevious { try keep(path, as: previousPath(path, staged.token)) }
        let note = JSONValue.object([
            ("model", .string(name)), ("token", .string(staged.token)), ("digest", .string(staged.digest)),
            ("has_previous", .bool(hasPrevious)),
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
        guard let note = note(of: path) else { return }
        if current?.digest != note.digest { try restore(path, note) }
        // The note goes last: as long as it is there, the old file is too.
        unlink(previousPath(path, note.token))
        unlink(stagedPath(path, note.token))
        unlink(notePath(path))
        try FileSystem.syncDirectory(folder)
    }

    package func isExchanging(_ name: String) -> Bool {
        guard let path = try? currentPath(of: name) else { return false }
        return FileSystem.size(of: notePath(path)) != nil
    }

    package func interruptedExchanges() -> [String] {
        names().filter { $0.hasSuffix(Self.noteSuffix) }.compactMap { file in
            let served = String(file.dropLast(Self.noteSuffix.count))
            if "\(folder)/\(served)" == defaultPath || served == defaultPath { return defaultModelName }
            if let name = note(of: "\(folder)/\(served)")?.model { return name }
            // A note from before notes had names.
            guard served.hasSuffix(Self.servedSuffix) else { return nil }
            return String(served.dropLast(Self.servedSuffix.count)).removingPercentEncoding
        }
    }

    package func sweep() {
        // Whoever stages a file holds a share of this lease: what is there while nobody does belongs to no one.
        guard let lease = FileLease.exclusive(at: folder) else { return }
        defer { lease.end() }
        let names = names()
        let noted = Set(names.filter { $0.hasSuffix(Self.noteSuffix) }.map { $0.dropLast(Self.noteSuffix.count) })
        for name in names where Self.isLeftOver(name, noted) { unlink("\(folder)/\(name)") }
    }

    /// Whether a file belongs to an exchange that is over.
    private static func isLeftOver(_ name: String, _ noted: Set<Substring>) -> Bool {
        if name.hasPrefix("."), name.hasSuffix(".tmp") { return true }
        for marker in [".staged-", ".previous-"] {
            guard let place = name.range(of: marker, options: .backwards) else { continue }
            return isToken(name[place.upperBound...]) && !noted.contains(name[..<place.lowerBound])
        }
        return false
    }

    private func names() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }

    private static let noteSuffix = ".promoting"
    private static let servedSuffix = ".current.model"

    /// Whether a text is an exchange's token, and not the end of a model's name.
    private static func isToken(_ text: Substring) -> Bool {
        text.utf8.count == 8 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
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
            throw Failure(.modelFileMissing, "cannot read \(path)", hint: "check its owner and permissions")
        }
        return Array(data)
    }

    /// SHA-256 in hex.
    private static func digest(of bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).hexadecimal
    }

    private struct Note {
        var model: String?
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
        return Note(
            model: note["model"]?.string,
            token: token,
            digest: digest,
            hasPrevious: note["has_previous"]?.boolean ?? true
        )
    }

    private func notePath(_ path: String) -> String { path + Self.noteSuffix }

    private func stagedPath(_ path: String, _ token: String) -> String { "\(path).staged-\(token)" }

    private func previousPath(_ path: String, _ token: String) -> String { "\(path).previous-\(token)" }
}
