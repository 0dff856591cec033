import BalanceNet
import NIOCore
import NIOHTTP1

/// Said by who is about to read the body of a request that waits for `100 Continue`.
struct SendContinue: Sendable {}

/// Sees where requests and answers begin and end: between NIO's HTTP/1 coders and `HTTP1ToHTTPServerCodec`.
///
/// It answers `Expect: 100-continue` when somebody reads the body, and ends the connection behind an answer that came
/// before the rest of a large body.
final class RequestWatch: ChannelDuplexHandler, RemovableChannelHandler, ConnectionTurns {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let lane: (any LaneTurns)?
    weak var deadlines: ConnectionDeadlines?
    /// Requests that the normal pipeline has seen and not answered.
    private var open = 0
    private var heads = 0
    private var isReading = false
    /// The bytes of the body that are still to come, where that is known.
    private var remaining: Int?
    private var waitsForContinue = false
    /// Whether the connection ends behind the last answer.
    private var closes = false
    private var isDone = false
    private var bytesAtEnd = 0

    /// Less than this of a body is read and thrown away, and the connection kept.
    private static let smallRest = 64 << 10

    init(lane: (any LaneTurns)?) { self.lane = lane }

    var requests: Int { heads &+ (lane?.seen ?? 0) }

    var turn: ConnectionTurn {
        // An answer to an earlier request comes first, whatever has come of the next one.
        if lane?.isBusy ?? false || open > (isReading ? 1 : 0) { return .server }
        if isReading { return .body }
        if let part = lane?.part { return part }
        return deadlines.map { $0.bytesIn > bytesAtEnd } ?? false ? .head : .idle
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else {
            // The rest of a body that nobody wants; behind it there is nothing to wait for.
            if case .end = unwrapInboundIn(data) { context.close(mode: .all, promise: nil) }
            return
        }
        switch unwrapInboundIn(data) {
        case .head(var head):
            // A client must send nothing behind a request that it said was the last.
            if closes { isDone = true; return }
            open += 1
            heads &+= 1
            isReading = true
            closes = !head.isKeepAlive
            let isChunked = head.headers.contains(name: "transfer-encoding")
            remaining = isChunked ? nil : head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
            guard head.headers.contains(name: "expect") else { break }
            let expects = head.headers["expect"].contains { $0.lowercased() == "100-continue" }
            // RFC 9110, 10.1.1: HTTP/1.0 cannot ask for it, and a request without a body must not.
            guard expects, head.version.major == 1, head.version.minor >= 1, remaining != 0 else {
                head.headers.remove(name: "expect")
                return context.fireChannelRead(wrapInboundOut(.head(head)))
            }
            waitsForContinue = true
        case .body(let bytes):
            // It did not wait any longer.
            waitsForContinue = false
            remaining = remaining.map { $0 - bytes.readableBytes }
        case .end:
            isReading = false
            waitsForContinue = false
            bytesAtEnd = deadlines?.bytesIn ?? 0
        }
        context.fireChannelRead(data)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is SendContinue else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        if waitsForContinue, open == 1 {
            waitsForContinue = false
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }
        promise?.succeed(())
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200 && open <= 1:
            if isReading, waitsForContinue || remaining.map({ $0 > Self.smallRest }) ?? true { closes = true }
            waitsForContinue = false
            guard closes else { return context.write(data, promise: promise) }
            head.headers.replaceOrAdd(name: "connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            if open > 0 { open -= 1 }
            lane?.wasAnswered()
            guard closes, open == 0 else { return context.write(data, promise: promise) }
            isDone = true
            context.writeAndFlush(data, promise: promise)
            // Behind the answer (RFC 9112, 9.6): closing at once could reset it away while the client still sends.
            context.close(mode: isReading ? .output : .all, promise: nil)
        default:
            context.write(data, promise: promise)
        }
    }
}

/// What the fast lane tells.
protocol LaneTurns: AnyObject {
    /// Whether it waits for a store, or has handed on what is not answered.
    var isBusy: Bool { get }
    /// `.head` or `.body` where part of a request has come; nil where it has left the connection alone or holds nothing.
    var part: ConnectionTurn? { get }
    /// How many requests it has seen whole.
    var seen: Int { get }
    func wasAnswered()
}
