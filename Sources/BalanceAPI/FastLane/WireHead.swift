import BalanceCore
import BalanceNet
import Foundation
import HTTPTypes
import NIOCore

/// Writes the answers of one connection: status, fields and body, as the normal pipeline does.
struct WireHead {
    private var identities = RequestIDs()
    private var date = WireDate()

    /// Appends an answer with a JSON body; no status is 200, and `id` is the identity that the request brought.
    mutating func write(
        _ body: [UInt8],
        status: HTTPResponse.Status?,
        to id: Slice<UnsafeRawBufferPointer>?,
        _ output: inout ByteBuffer
    ) {
        output.reserveCapacity(minimumWritableBytes: body.count + 256)
        if let status {
            output.writeString("HTTP/1.1 \(status.code) \(status.reasonPhrase)")
        } else {
            output.writeStaticString("HTTP/1.1 200 OK")
        }
        output.writeStaticString("\r\nContent-Type: application/json\r\nX-Request-ID: ")
        if let id {
            output.writeBytes(UnsafeRawBufferPointer(rebasing: id))
        } else {
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: RequestIDs.length) { identities.write(to: $0) }
        }
        output.writeStaticString("\r\nX-Content-Type-Options: nosniff\r\nContent-Length: ")
        output.writeString(String(body.count))
        output.writeStaticString("\r\nDate: ")
        output.writeBytes(date.now())
        output.writeStaticString("\r\nServer: balanceops\r\n\r\n")
        output.writeBytes(body)
    }
}

/// New identities for requests that bring none: random UUIDs (RFC 9562, version 4) as lowercase text.
///
/// They tell requests apart and keep no secret, so the system is asked for randomness once a connection.
struct RequestIDs {
    static let length = 36
    private static let digits: StaticString = "0123456789abcdef"
    private var random: SplitMix64

    init() {
        var system = SystemRandomNumberGenerator()
        random = SplitMix64(seed: system.next())
    }

    /// Writes the next one to the first ``length`` bytes, and returns their number.
    mutating func write(to text: UnsafeMutableRawBufferPointer) -> Int {
        var bits = (random.next(), random.next())
        bits.0 = bits.0 & ~0xF000 | 0x4000
        bits.1 = bits.1 & ~(3 << 62) | 2 << 62
        var place = 0
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 {
                text[place] = UInt8(ascii: "-")
                place += 1
            }
            let half = index < 16 ? bits.0 : bits.1
            text[place] = Self.digits.utf8Start[Int(half >> UInt64(60 - index % 16 * 4) & 15)]
            place += 1
        }
        return place
    }
}

/// The time for the field `Date`, written once a second.
struct WireDate {
    private var second = Int.min
    private var text: [UInt8] = []

    mutating func now() -> [UInt8] {
        let second = time(nil)
        if self.second != second { (self.second, text) = (second, Array(HTTPDate.text(second: second).utf8)) }
        return text
    }

}
