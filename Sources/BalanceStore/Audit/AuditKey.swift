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
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        if descriptor < 0, errno == EEXIST, let known = try Self.read(path) {
            privateKey = known
            return
        }
        guard descriptor >= 0 else { throw Self.unusable(path) }
        defer { close(descriptor) }
        let count = text.utf8.count
        guard write(descriptor, text, count) == count, fsync(descriptor) == 0 else { throw Self.unusable(path) }
        privateKey = fresh
        let publicText = fresh.publicKey.rawRepresentation.base64EncodedString() + "\n"
        try? publicText.write(toFile: path + ".pub", atomically: true, encoding: .utf8)
    }

    private static func read(_ path: String) throws -> Curve25519.Signing.PrivateKey? {
        guard let text = FileManager.default.contents(atPath: path) else { return nil }
        // Another process may have made the file and not written it yet.
        for _ in 0..<20 where FileSystem.size(of: path) == 0 { usleep(10_000) }
        let bytes = FileManager.default.contents(atPath: path) ?? text
        let line = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let raw = Data(base64Encoded: line), let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: raw)
        else {
            throw Failure(
                .fileNotWritable,
                "\(path) holds no key for the audit trail",
                hint: "restore it from a backup, or name another file with BALANCEOPS_AUDIT_KEY"
            )
        }
        return key
    }

    private static func unusable(_ path: String) -> Failure {
        Failure(
            .fileNotWritable,
            "\(path), the key of the audit trail, cannot be written",
            hint: "check the folder's permissions, or name another file with BALANCEOPS_AUDIT_KEY"
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

    /// Remembers the newest line outside the database; an older one than is remembered stays away.
    func remember(_ head: AuditHead) {
        if let known = Self.head(at: headPath), known.sequence >= head.sequence { return }
        try? head.json.text().appending("\n").write(toFile: headPath, atomically: true, encoding: .utf8)
    }

    /// The line that is remembered beside a key; nil where there is none.
    package static func head(besideKey path: String) -> AuditHead? { head(at: headPath(for: path)) }

    private static func head(at path: String) -> AuditHead? {
        FileManager.default.contents(atPath: path).flatMap { try? JSONValue(parsing: Array($0)) }.flatMap(
            AuditHead.init
        )
    }
}
