package import BalanceCore
import Crypto
import Foundation

/// The key that signs the audit trail, in a file outside the database, and the newest line beside it.
///
/// Whoever can read the key can write a trail of their own: keep the file where the database's writers cannot go, or keep
/// copies of the head elsewhere.
package struct AuditKey: Sendable {
    private let privateKey: Curve25519.Signing.PrivateKey
    /// The file that remembers the newest line.
    private let headPath: String

    /// Opens the key, or makes one where there is none; the file is readable for its owner only.
    ///
    /// - Throws: `Failure` with code `fileNotWritable`.
    package init(path: String) throws {
        headPath = Self.headPath(for: path)
        if let known = try Self.read(path) {
            privateKey = known
            return
        }
        let fresh = Curve25519.Signing.PrivateKey()
        let text = fresh.rawRepresentation.base64EncodedString() + "\n"
        try FileSystem.createDirectory(FileSystem.parent(of: path))
        // Written whole under another name first: a crash leaves no key without bytes.
        let unfinished = "\(path).\(UUID().uuidString)"
        let descriptor = open(unfinished, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw Self.unusable(path) }
        let isWritten = write(descriptor, text, text.utf8.count) == text.utf8.count && fsync(descriptor) == 0
        close(descriptor)
        defer { unlink(unfinished) }
        guard isWritten else { throw Self.unusable(path) }
        if link(unfinished, path) != 0 {
            guard errno == EEXIST, let known = try Self.read(path) else { throw Self.unusable(path) }
            privateKey = known
            return
        }
        privateKey = fresh
        let publicText = fresh.publicKey.rawRepresentation.base64EncodedString() + "\n"
        // The public half of a key that was lost still checks old lines.
        let isFirst = !FileManager.default.fileExists(atPath: path + ".pub")
        let name = isFirst ? ".pub" : ".\(AuditKeyID.of(Array(fresh.publicKey.rawRepresentation))).pub"
        try? publicText.write(toFile: path + name, atomically: true, encoding: .utf8)
    }

    private static func read(_ path: String) throws -> Curve25519.Signing.PrivateKey? {
        guard let text = FileManager.default.contents(atPath: path) else { return nil }
        let line = String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let raw = Data(base64Encoded: line), let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: raw)
        else {
            throw Failure(
                .fileNotWritable,
                "\(path) is not an audit trail key",
                hint: "restore it from a backup, or choose another file with BALANCEOPS_AUDIT_KEY"
            )
        }
        return key
    }

    private static func unusable(_ path: String) -> Failure {
        Failure(
            .fileNotWritable,
            "cannot write the audit trail key \(path)",
            hint: "check the folder's permissions, or choose another file with BALANCEOPS_AUDIT_KEY"
        )
    }

    /// The public half, 32 bytes.
    package var publicKey: [UInt8] { Array(privateKey.publicKey.rawRepresentation) }

    /// A line's signature, with the name of the key before it; nil where it cannot be made.
    func signature(of hash: String) -> String? {
        guard let bytes = try? privateKey.signature(for: Data(hash.utf8)) else { return nil }
        return "\(AuditKeyID.of(publicKey)):\(bytes.base64EncodedString())"
    }

    static func headPath(for keyPath: String) -> String { keyPath + ".head" }

    /// The line that is remembered outside the database; nil where there is none.
    var remembered: AuditHead? { Self.head(at: headPath) }

    /// Remembers the newest line outside the database, and where signing began.
    func remember(_ head: AuditHead) {
        var head = head
        // Two processes may come at once: the newer line stays.
        try? FileLock.withLock(at: headPath + ".lock") {
            let known = remembered
            guard known?.sequence ?? 0 < head.sequence else { return }
            head.signedFrom = known?.signedFrom ?? head.sequence
            try store(head)
        }
    }

    private func store(_ head: AuditHead) throws {
        try head.json.text().appending("\n").write(toFile: headPath, atomically: true, encoding: .utf8)
    }

    /// The line that is remembered beside a key; nil where there is none.
    package static func head(besideKey path: String) -> AuditHead? { head(at: headPath(for: path)) }

    private static func head(at path: String) -> AuditHead? {
        FileManager.default.contents(atPath: path).flatMap { try? JSONValue(parsing: Array($0)) }.flatMap(
            AuditHead.init
        )
    }
}
