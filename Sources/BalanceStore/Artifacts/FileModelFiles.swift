package import BalanceCore
import Crypto
import Foundation

/// The served model files, exchanged by rename with a note that lets the next start finish or take back an exchange.
///
/// Beside the served file stand, while an exchange goes on: the staged copy, a hard link to the old file and the note
/// `….promoting-TOKEN` with the new file's digest. The database's row decides which of the two holds.
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

    package func stage(_ bytes: [UInt8], digest: String, for name: String) throws -> StagedModel {
        let path = try currentPath(of: name)
        try FileSystem.createDirectory(folder)
        let staged = StagedModel(
            token: String(UUID().uuidString.prefix(8)).lowercased(),
            digest: digest,
            lease: try FileLease.shared(at: folder)
        )
        try FileSystem.writeDurably(bytes, to: stagedPath(path, staged.token))
        return staged
    }

    package func install(_ staged: StagedModel, for name: String, over current: CurrentModel?) throws {
        // The one before may have committed and not have come to its end.
        try repair(name, current: current)
        let path = try currentPath(of: name)
        let hasPrevious = FileSystem.size(of: path) != nil
        if hasPrevious { try keep(path, as: previousPath(path, staged.token)) }
        let note = JSONValue.object([
            ("model", .string(name)), ("token", .string(staged.token)), ("digest", .string(staged.digest)),
            ("has_previous", .bool(hasPrevious)),
        ])
        try FileSystem.write(note.bytes(), to: notePath(path, staged.token))
        try FileSystem.publish(stagedPath(path, staged.token), as: path)
    }

    package func finish(_ staged: StagedModel, for name: String) {
        guard let path = try? currentPath(of: name) else { return }
        remove(staged.token, of: path, note: notePath(path, staged.token))
        try? FileSystem.syncDirectory(folder)
    }

    /// Removes what belongs to an exchange; the note goes last: as long as it is there, the old file is too.
    private func remove(_ token: String, of path: String, note: String) {
        unlink(previousPath(path, token))
        unlink(stagedPath(path, token))
        unlink(note)
    }

    package func discard(_ staged: StagedModel, for name: String) {
        guard let path = try? currentPath(of: name) else { return }
        unlink(stagedPath(path, staged.token))
    }

    package func repair(_ name: String, current: CurrentModel?) throws {
        let path = try currentPath(of: name)
        let notes = notes(of: path)
        for note in notes {
            if current?.digest != note.digest { try restore(path, note) }
            remove(note.token, of: path, note: note.file)
        }
        if !notes.isEmpty { try FileSystem.syncDirectory(folder) }
    }

    package func isExchanging(_ name: String) -> Bool {
        guard let path = try? currentPath(of: name) else { return false }
        return !notes(of: path).isEmpty
    }

    package func interruptedExchanges() -> [String] {
        let names = names().compactMap { file -> String? in
            guard let served = Self.served(byNote: file) else { return nil }
            if served == Self.lastComponent(defaultPath) { return defaultModelName }
            if let name = note("\(folder)/\(file)")?.model { return name }
            // A note from before notes had names.
            guard served.hasSuffix(Self.servedSuffix) else { return nil }
            return String(served.dropLast(Self.servedSuffix.count)).removingPercentEncoding
        }
        return Array(Set(names.map(ByteText.init))).map(\.text)
    }

    package func sweep() {
        // Whoever stages a file holds a share of this lease: what is there while nobody does belongs to no one.
        guard let lease = FileLease.exclusive(at: folder) else { return }
        defer { lease.end() }
        let names = names()
        let noted = Set(names.compactMap(Self.served(byNote:)))
        for name in names where Self.isLeftOver(name, noted) { unlink("\(folder)/\(name)") }
    }

    /// Whether a file belongs to an exchange that is over.
    private static func isLeftOver(_ name: String, _ noted: Set<String>) -> Bool {
        if name.hasPrefix("."), name.hasSuffix(".tmp") { return true }
        for marker in [".staged-", ".previous-"] {
            guard let place = name.range(of: marker, options: .backwards) else { continue }
            return isToken(name[place.upperBound...]) && !noted.contains(String(name[..<place.lowerBound]))
        }
        return false
    }

    private func names() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }

    private static let noteMark = ".promoting"
    private static let servedSuffix = ".current.model"

    /// The name of the served file that a note is about; nil for a file that is no note.
    private static func served(byNote file: String) -> String? {
        guard let mark = file.range(of: noteMark, options: .backwards) else { return nil }
        // Notes of former releases have no token.
        let end = file[mark.upperBound...]
        return end.isEmpty || end.hasPrefix("-") && isToken(end.dropFirst()) ? String(file[..<mark.lowerBound]) : nil
    }

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
        /// Where it is.
        var file: String
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

    /// The exchanges of a served file that were not ended.
    private func notes(of path: String) -> [Note] {
        let served = Self.lastComponent(path)
        return names().filter { Self.served(byNote: $0) == served }.compactMap { note("\(folder)/\($0)") }
    }

    private static func lastComponent(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    private func note(_ file: String) -> Note? {
        guard let data = FileManager.default.contents(atPath: file),
            let note = try? JSONValue(parsing: Array(data)),
            let token = note["token"]?.string, let digest = note["digest"]?.string, FileSystem.isFileName(token)
        else { return nil }
        return Note(
            file: file,
            model: note["model"]?.string,
            token: token,
            digest: digest,
            hasPrevious: note["has_previous"]?.boolean ?? true
        )
    }

    private func notePath(_ path: String, _ token: String) -> String { "\(path)\(Self.noteMark)-\(token)" }

    private func stagedPath(_ path: String, _ token: String) -> String { "\(path).staged-\(token)" }

    private func previousPath(_ path: String, _ token: String) -> String { "\(path).previous-\(token)" }
}
