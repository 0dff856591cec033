import Foundation
import NIOCore
import NIOHTTPTypes
import Synchronization

/// Answers simple requests from the bytes of a connection, and hands all others on to the normal pipeline.
///
/// A request that is of the simple form but not quick is handed on whole and counted until it was answered, so that
/// answers keep the order of their requests. At the first byte that is not surely of the form the connection is left to
/// the normal pipeline for good.
final class FastLaneHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answers: QuickAnswers
    private var pending = ByteBuffer()
    private var isLeftAlone = false
    /// Requests that were handed on and not answered yet.
    fileprivate var inFlight = 0
    /// Reads since the last whole request.
    private var attempts = 0
    /// The last answer, which an end of the connection must not cut off.
    private var lastWrite: EventLoopFuture<Void>?
    private var identities = RequestIDs()

    /// A client that sends a request in more pieces gains nothing from this lane.
    private static let maximumAttempts = 32

    init(answers: QuickAnswers) { self.answers = answers }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isLeftAlone { return context.fireChannelRead(data) }
        var bytes = unwrapInboundIn(data)
        if pending.readableBytes == 0 { pending = bytes } else { pending.writeBuffer(&bytes) }
        process(context)
    }

    private func process(_ context: ChannelHandlerContext) {
        var output: ByteBuffer?
        loop: while pending.readableBytes > 0 {
            switch pending.withUnsafeReadableBytes(WireRequest.read) {
            case .incomplete:
                attempts += 1
                if attempts > Self.maximumAttempts { leaveAlone(context, &output) }
                break loop
            case .unknown:
                leaveAlone(context, &output)
                break loop
            case .complete(let request):
                attempts = 0
                if inFlight == 0, context.channel.isWritable, answer(request, context, &output) {
                    pending.moveReaderIndex(forwardBy: request.end)
                } else if let whole = pending.readSlice(length: request.end) {
                    flush(context, &output)
                    inFlight += 1
                    context.fireChannelRead(wrapInboundOut(whole))
                }
            }
        }
        flush(context, &output)
        if pending.readableBytes == 0 { pending = ByteBuffer() }
    }

    private func answer(_ request: WireRequest, _ context: ChannelHandlerContext, _ output: inout ByteBuffer?) -> Bool {
        pending.withUnsafeReadableBytes { bytes in
            guard let body = answers.answer(request, bytes) else { return false }
            var buffer = output ?? context.channel.allocator.buffer(capacity: 512)
            buffer.writeStaticString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-ID: ")
            if let id = request.requestID { buffer.writeBytes(bytes[id]) } else { buffer.writeBytes(identities.next()) }
            buffer.writeStaticString("\r\nContent-Length: ")
            buffer.writeString(String(body.count))
            buffer.writeStaticString("\r\nDate: ")
            buffer.writeBytes(WireDate.now())
            buffer.writeStaticString("\r\nServer: balanceops\r\n\r\n")
            buffer.writeBytes(body)
            output = buffer
            return true
        }
    }

    private func flush(_ context: ChannelHandlerContext, _ output: inout ByteBuffer?) {
        guard let buffer = output else { return }
        output = nil
        lastWrite = context.writeAndFlush(wrapOutboundOut(buffer))
    }

    private func leaveAlone(_ context: ChannelHandlerContext, _ output: inout ByteBuffer?) {
        flush(context, &output)
        isLeftAlone = true
        let rest = pending
        pending = ByteBuffer()
        if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
    }

    /// The end of the client's bytes, or of the server: what has come of a request is for the normal pipeline to judge,
    /// which lets it finish.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        let isEnd = if case .some(.inputClosed) = event as? ChannelEvent { true } else { false }
        guard isEnd || event is ChannelShouldQuiesceEvent else { return context.fireUserInboundEventTriggered(event) }
        leaveAloneNow(context)
        guard let lastWrite else { return context.fireUserInboundEventTriggered(event) }
        // The normal pipeline knows nothing of answers that are still on their way, and would close on them.
        let (place, held) = (
            NIOLoopBound(context, eventLoop: context.eventLoop), NIOLoopBound(event, eventLoop: context.eventLoop)
        )
        lastWrite.whenComplete { _ in place.value.fireUserInboundEventTriggered(held.value) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        leaveAloneNow(context)
        context.fireChannelInactive()
    }

    private func leaveAloneNow(_ context: ChannelHandlerContext) {
        guard !isLeftAlone else { return }
        var output: ByteBuffer?
        leaveAlone(context, &output)
    }
}

/// Tells the fast lane when the normal pipeline has answered a request.
final class AnswerCounter: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart

    private let lane: FastLaneHandler

    init(lane: FastLaneHandler) { self.lane = lane }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let isEnd = if case .end = unwrapOutboundIn(data) { true } else { false }
        context.write(data, promise: promise)
        // What was answered before the lane left the connection alone is not counted any more.
        if isEnd, lane.inFlight > 0 { lane.inFlight -= 1 }
    }
}

/// New identities for requests that bring none: random UUIDs (RFC 9562, version 4) as lowercase text.
///
/// They tell requests apart and keep no secret, so the system is asked for randomness once a connection (SplitMix64).
struct RequestIDs {
    private static let digits = Array("0123456789abcdef".utf8)
    private var state: UInt64

    init() {
        var random = SystemRandomNumberGenerator()
        state = random.next()
    }

    private mutating func word() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func next() -> [UInt8] {
        var bits = (word(), word())
        bits.0 = bits.0 & ~0xF000 | 0x4000
        bits.1 = bits.1 & ~(3 << 62) | 2 << 62
        var text = [UInt8](repeating: UInt8(ascii: "-"), count: 36)
        var place = 0
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 { place += 1 }
            let half = index < 16 ? bits.0 : bits.1
            text[place] = Self.digits[Int(half >> UInt64(60 - index % 16 * 4) & 15)]
            place += 1
        }
        return text
    }
}

/// The time for the field `Date`, written once a second.
enum WireDate {
    private static let last = Mutex<(second: Int, text: [UInt8])>((0, []))

    static func now() -> [UInt8] {
        let second = time(nil)
        return last.withLock { last in
            if last.second != second { last = (second, text(second)) }
            return last.text
        }
    }

    private static func text(_ second: Int) -> [UInt8] {
        var (moment, parts) = (time_t(second), tm())
        gmtime_r(&moment, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let (day, month) = (days[Int(parts.tm_wday) % 7], months[Int(parts.tm_mon) % 12])
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let clock = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return Array("\(day), \(two(parts.tm_mday)) \(month) \(1900 + Int(parts.tm_year)) \(clock) GMT".utf8)
    }
}
