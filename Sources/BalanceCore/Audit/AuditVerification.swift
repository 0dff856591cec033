import Crypto
import Foundation

/// Looks at the lines of an audit trail one after another and says which is the first that is not as it was written.
package struct AuditVerification: Sendable {
    /// What is wrong, and where.
    package struct Problem: Sendable, Hashable {
        package var sequence: Int
        package var message: String
    }

    /// How many heads the trail was compared with.
    package let headCount: Int

    private let keys: [String: Curve25519.Signing.PublicKey]
    private var previous = AuditEvent.origin
    private var firstSigned: Int?
    private var anchors: [AuditHead]
    package private(set) var count = 0
    package private(set) var signed = 0
    package private(set) var problem: Problem?
    package private(set) var head: AuditHead?

    /// - Parameters:
    ///   - keys: The public keys, 32 bytes each, that lines may be signed by; none: signatures are not looked at.
    ///   - heads: Lines that were once the newest, kept elsewhere.
    package init(keys: [[UInt8]], heads: [AuditHead]) {
        headCount = heads.count
        let read = keys.compactMap { try? Curve25519.Signing.PublicKey(rawRepresentation: $0) }
        self.keys = Dictionary(read.map { (AuditKeyID.of(Array($0.rawRepresentation)), $0) }) { first, _ in first }
        anchors = heads
    }

    /// Looks at the next line; after the first problem nothing more is said.
    package mutating func add(_ event: AuditEvent) {
        guard problem == nil else { return }
        count += 1
        if event.sequence != count {
            return report(count, "entry \(count) is missing, or the entries were reordered")
        }
        if event.previousHash != previous {
            return report(count, "entry \(count) does not follow entry \(count - 1): one of them was changed")
        }
        if event.expectedHash != event.hash { return report(count, "entry \(count) was changed") }
        check(event)
        if anchors.contains(where: { $0.sequence == count && $0.hash != event.hash }) {
            return report(count, "entry \(count) does not match a recorded head: the trail was rewritten")
        }
        previous = event.hash
        head = AuditHead(sequence: count, hash: event.hash, signature: event.signature)
    }

    /// Compares what the registry says of a model with the line that moved it last.
    package mutating func add(_ slot: Slot, lastMove: SlotMove?, cause: AuditEvent?) {
        guard problem == nil, let message = slot.contradiction(lastMove: lastMove, cause: cause) else { return }
        report(cause?.sequence ?? count, message)
    }

    /// To be called after the last line.
    package mutating func finish() {
        guard problem == nil else { return }
        if let anchor = anchors.max(by: { $0.sequence < $1.sequence }), anchor.sequence > count {
            report(
                count + 1,
                "the trail ends with entry \(count), but entry \(anchor.sequence) existed: its end was cut off"
            )
        }
    }

    private mutating func check(_ event: AuditEvent) {
        guard let signature = event.signature else {
            // Only lines from before there was a key may lack a signature, and the head remembers where that ended.
            let known = anchors.compactMap(\.signedFrom).min()
            if firstSigned != nil || count >= known ?? .max {
                report(count, "entry \(count) is not signed, but earlier entries are")
            } else if known == nil, !keys.isEmpty {
                report(
                    count,
                    "entry \(count) is not signed, and there is no head that records where signing began"
                )
            }
            return
        }
        firstSigned = firstSigned ?? count
        guard !keys.isEmpty else { return }
        let parts = signature.split(separator: ":").map(String.init)
        guard parts.count == 2, let key = keys[parts[0]] else {
            return report(
                count,
                "entry \(count) is signed by the unknown key \(parts.first ?? "?"); pass it with --public-key"
            )
        }
        guard let bytes = Data(base64Encoded: parts[1]), key.isValidSignature(bytes, for: Data(event.hash.utf8)) else {
            return report(count, "invalid signature of entry \(count)")
        }
        signed += 1
    }

    private mutating func report(_ sequence: Int, _ message: String) {
        if problem == nil { problem = Problem(sequence: sequence, message: message) }
    }
}

/// The short name of a key: the first 16 hex digits of the SHA-256 of its public half.
package enum AuditKeyID {
    package static func of(_ publicKey: [UInt8]) -> String { String(ContentHash.of(publicKey).prefix(16)) }
}
