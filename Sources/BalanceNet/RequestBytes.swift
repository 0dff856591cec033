import BalanceCore
import HTTPTypes
package import Hummingbird
package import NIOCore
import Synchronization

/// How large a body of text may be, for the whole process.
package enum TextBodies {
    private static let bytes = Atomic<Int>(4 << 20)

    /// How much memory a byte of text is counted for while it is read; nodes of JSON take up to three times as much.
    package static let weight = 8

    /// In bytes.
    package static var limit: Int { bytes.load(ordering: .relaxed) }

    package static func use(limit: Int) { bytes.store(limit, ordering: .relaxed) }
}

extension Request {
    /// The whole body, refused before it is read where it says that it is too large.
    ///
    /// - Throws: `Failure` with code `bodyTooLarge`, or `mediaTypeNotSupported` for a body that is packed.
    package func bytes(upTo limit: Int = TextBodies.limit, allowsPacked: Bool = false) async throws -> ByteBuffer {
        let encoding = headers[.contentEncoding]?.lowercased() ?? "identity"
        guard allowsPacked || encoding == "identity" || encoding.isEmpty else {
            throw Failure(
                .mediaTypeNotSupported,
                "Content-Encoding '\(encoding.prefix(40))' is not supported here",
                hint: "send the body uncompressed"
            )
        }
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit { throw Self.tooLarge(limit) }
        let weight = limit <= TextBodies.limit ? TextBodies.weight : 1
        var collected = ByteBuffer()
        for try await part in body {
            guard collected.readableBytes + part.readableBytes <= limit else { throw Self.tooLarge(limit) }
            try BodyShare.current?.take(part.readableBytes * weight)
            collected.writeImmutableBuffer(part)
        }
        return collected
    }

    private static func tooLarge(_ limit: Int) -> Failure {
        Failure(
            .bodyTooLarge,
            "The request body is larger than \(limit) bytes.",
            hint: "send a smaller request, or raise BALANCEOPS_MAX_JSON for JSON"
        )
    }
}
