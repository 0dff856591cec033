import BalanceCore
import CZlib

/// Unpacks zlib and gzip streams.
package enum Inflate {
    /// What a model may grow to when it is unpacked, in bytes.
    package static let maximumSize = 1 << 29

    /// Whether the bytes begin as a zlib or gzip stream does.
    static func isCompressed(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 2 else { return false }
        if bytes[0] == 0x1F, bytes[1] == 0x8B { return true }
        return bytes[0] == 0x78 && (Int(bytes[0]) * 256 + Int(bytes[1])) % 31 == 0
    }

    /// The unpacked bytes.
    ///
    /// - Throws: `Failure` with code `modelNotReadable` for a damaged stream or one that grows over the limit.
    package static func unpack(_ bytes: [UInt8], limit: Int = maximumSize, isBare: Bool = false) throws -> [UInt8] {
        var stream = z_stream()
        // 32 more than the window size: zlib tells the two headers apart itself; less than none: there is no header.
        guard inflateInit2_(&stream, isBare ? -15 : 47, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw damaged
        }
        defer { inflateEnd(&stream) }
        var input = bytes
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        try input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(clamping: source.count)
            var status = Z_OK
            while status != Z_STREAM_END {
                let written = try chunk.withUnsafeMutableBufferPointer { target in
                    stream.next_out = target.baseAddress
                    stream.avail_out = UInt32(target.count)
                    status = inflate(&stream, Z_NO_FLUSH)
                    guard status == Z_OK || status == Z_STREAM_END else { throw damaged }
                    return target.count - Int(stream.avail_out)
                }
                guard written > 0 || status == Z_STREAM_END else { throw damaged }
                output.append(contentsOf: chunk[..<written])
                guard output.count <= limit else {
                    throw Failure(.modelNotReadable, "the decompressed data is larger than \(limit >> 20) MiB")
                }
            }
        }
        return output
    }

    private static var damaged: Failure {
        Failure(
            .modelNotReadable,
            "the compressed data is damaged or truncated",
            hint: "save the model again, or promote another one"
        )
    }
}
