import NIOCore

/// Unpacks what gzip or zlib packed, up to a size in bytes.
package typealias Unpack = @Sendable (_ packed: [UInt8], _ limit: Int) throws -> [UInt8]

/// Turns the packed messages of a stream into plain ones (gRPC over HTTP/2: a flag, a length of 4 bytes, the message).
struct MessageUnpacker {
    let unpack: Unpack
    private var held = ByteBuffer()

    private static let head = 5

    init(unpack: @escaping Unpack) { self.unpack = unpack }

    private struct TooLarge: Error {}

    /// The messages that are whole now, each as a plain one.
    mutating func add(_ bytes: ByteBuffer) throws -> ByteBuffer {
        held.writeImmutableBuffer(bytes)
        var plain = ByteBuffer()
        while let flag = held.getInteger(at: held.readerIndex, as: UInt8.self),
            let length = held.getInteger(at: held.readerIndex + 1, as: UInt32.self)
        {
            guard length <= InferenceGRPCServer.maximumMessage else { throw TooLarge() }
            guard held.readableBytes >= Self.head + Int(length) else { break }
            held.moveReaderIndex(forwardBy: Self.head)
            let message = held.readBytes(length: Int(length)) ?? []
            let whole = flag == 0 ? message : try unpack(message, InferenceGRPCServer.maximumMessage)
            plain.writeInteger(UInt8(0))
            plain.writeInteger(UInt32(whole.count))
            plain.writeBytes(whole)
        }
        held.discardReadBytes()
        return plain
    }
}
