import BalanceCore

/// The members of a zip file, read from its central directory; nothing is unpacked to a disk.
///
/// Source: PKWARE's APPNOTE, sections 4.3.7 to 4.3.16. Stored and deflated members, no encryption, no zip64.
struct ZipArchive {
    private struct Member {
        var method: Int
        var offset: Int
        var packedSize: Int
        var size: Int
    }

    private let bytes: [UInt8]
    private var members: [String: Member] = [:]
    private static let maximumMembers = 200_000
    private static let maximumSize = 1 << 29

    static func isZip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) }

    /// - Throws: `Failure` with code `modelNotReadable`.
    init(_ bytes: [UInt8]) throws {
        self.bytes = bytes
        guard let end = Self.end(bytes) else { throw Self.damaged }
        let count = number(end + 10, 2)
        var position = number(end + 16, 4)
        guard count <= Self.maximumMembers, position < bytes.count else { throw Self.damaged }
        var total = 0
        for _ in 0..<count {
            guard position + 46 <= bytes.count, number(position, 4) == 0x0201_4B50 else { throw Self.damaged }
            let nameLength = number(position + 28, 2)
            let nameStart = position + 46
            guard nameStart + nameLength <= bytes.count, number(position + 8, 2) & 1 == 0 else { throw Self.damaged }
            let name = String(decoding: bytes[nameStart..<nameStart + nameLength], as: UTF8.self)
            let member = Member(
                method: number(position + 10, 2),
                offset: number(position + 42, 4),
                packedSize: number(position + 20, 4),
                size: number(position + 24, 4)
            )
            total += member.size
            guard total <= Self.maximumSize else {
                throw Failure(.modelNotReadable, "the decompressed archive is larger than 512 MiB")
            }
            members[name] = member
            position = nameStart + nameLength + number(position + 30, 2) + number(position + 32, 2)
        }
    }

    /// The bytes of a member, or nil where there is none.
    func member(_ name: String) throws -> [UInt8]? {
        guard let member = members[name] else { return nil }
        let header = member.offset
        guard header + 30 <= bytes.count, number(header, 4) == 0x0403_4B50 else { throw Self.damaged }
        let start = header + 30 + number(header + 26, 2) + number(header + 28, 2)
        guard start + member.packedSize <= bytes.count else { throw Self.damaged }
        let packed = Array(bytes[start..<start + member.packedSize])
        let unpacked: [UInt8]
        switch member.method {
        case 0: unpacked = packed
        case 8: unpacked = packed.isEmpty ? [] : try Inflate.unpack(packed, limit: member.size, isBare: true)
        default: throw Failure(.modelNotReadable, "unsupported compression method in the archive")
        }
        guard unpacked.count == member.size else { throw Self.damaged }
        return unpacked
    }

    /// Where the record of the directory's end begins: it is the last of its mark.
    private static func end(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 22 else { return nil }
        let mark: [UInt8] = [0x50, 0x4B, 0x05, 0x06]
        let lowest = max(0, bytes.count - 22 - 65_535)
        return (lowest...bytes.count - 22).reversed().first { bytes[$0..<$0 + 4].elementsEqual(mark) }
    }

    private func number(_ offset: Int, _ size: Int) -> Int {
        guard offset >= 0, offset + size <= bytes.count else { return 0 }
        return (0..<size).reduce(0) { $0 | Int(bytes[offset + $1]) << ($1 * 8) }
    }

    private static let damaged = Failure(
        .modelNotReadable,
        "the archive is damaged or truncated",
        hint: "save the model again"
    )
}
