import BalanceCore
import HTTPTypes
package import Hummingbird
package import NIOCore
import Synchronization

/// How large a body of text may be, for the whole process.
package enum TextBodies {
    private static let bytes = Atomic<Int>(4 << 20)

    /// In bytes; JSON takes about 25 times its size in memory while it is read.
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
                "the Content-Encoding '\(encoding.prefix(40))' is not offered here",
                hint: "send the body as it is"
            )
        }
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit { throw Self.tooLarge(limit) }
        do {
            return try await body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw Self.tooLarge(limit)
        }
    }

    private static func tooLarge(_ limit: Int) -> Failure {
        Failure(
            .bodyTooLarge,
            "The request body is larger than \(limit) bytes.",
            hint: "send less in one request, or raise BALANCEOPS_MAX_JSON where it is JSON"
        )
    }
}
