import BalanceNet
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import NIOHPACK
import NIOHTTP2

/// What the library does not bound by itself: put into its three callbacks.
struct GRPCGuards: Sendable {
    var limits: ConnectionLimits
    var maximumConnections: Int
    let unpack: Unpack
    /// The bytes of requests that may be held at once, over all connections.
    let budget = ByteBudget(limit: 256 << 20)

    func apply(to config: inout HTTP2ServerTransport.Posix.Config) {
        config.http2.maxConcurrentStreams = 100
        config.connection.maxIdleTime = .seconds(60)
        config.connection.maxGraceTime = .seconds(10)
        config.connection.keepalive.time = .seconds(60)
        config.connection.keepalive.timeout = .seconds(20)
        // What is packed is unpacked before the library, whose reader never ends with a stream that is cut short.
        config.compression.enabledAlgorithms = .none
        let guards = self
        config.channelDebuggingCallbacks.onBindTCPListener = { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(AcceptLimit(guards.maximumConnections))
            }
        }
        config.channelDebuggingCallbacks.onAcceptTCPConnection = { channel in
            channel.eventLoop.makeCompletedFuture {
                let streams = StreamCount()
                var limits = guards.limits
                // The library asks politely after 60 s, and then waits for an answer for good.
                limits.idle = limits.idle + .seconds(15)
                let deadlines = ConnectionDeadlines(limits: limits, turns: streams)
                streams.deadlines = deadlines
                let pipeline = channel.pipeline.syncOperations
                try pipeline.addHandler(streams)
                try pipeline.addHandler(deadlines, position: .first)
            }
        }
        config.channelDebuggingCallbacks.onAcceptHTTP2Stream = { stream in
            stream.eventLoop.makeCompletedFuture {
                let count = try stream.parent?.pipeline.syncOperations.handler(type: StreamCount.self)
                let guardian = StreamGuard(guards, count)
                try stream.pipeline.syncOperations.addHandler(guardian, position: .first)
            }
        }
    }
}

/// The streams of a connection; it stands in the pipeline only to be found there.
final class StreamCount: ChannelInboundHandler, ConnectionTurns {
    typealias InboundIn = NIOAny
    weak var deadlines: ConnectionDeadlines?
    var open = 0
    var requests = 0
    /// Preface and the header of the first frame.
    private static let preface = 33

    var turn: ConnectionTurn {
        if deadlines?.bytesIn ?? 0 < Self.preface { return .head }
        return open > 0 ? .server : .idle
    }
}

/// The first handler of each gRPC stream, before the library's.
final class StreamGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let limits: ConnectionLimits
    private let budget: ByteBudget
    private let unpack: Unpack
    private let count: StreamCount?
    /// Where the messages are packed.
    private var unpacker: MessageUnpacker?
    private var hasHeaders = false
    private var isRequestEnded = false
    private var hasAnswered = false
    private var isRefused = false
    private var isStreaming = false
    private var held = 0
    private var moved = 0
    private var deadline: Scheduled<Void>?
    private var pace: Scheduled<Void>?
    private var reader: Scheduled<Void>?

    init(_ guards: GRPCGuards, _ count: StreamCount?) {
        limits = guards.limits
        budget = guards.budget
        unpack = guards.unpack
        self.count = count
    }

    func handlerAdded(context: ChannelHandlerContext) {
        count?.open += 1
        count?.requests &+= 1
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        count?.open -= 1
        for timer in [deadline, pace, reader] { timer?.cancel() }
        budget.give(held)
        held = 0
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        switch unwrapInboundIn(data) {
        case .headers(var headers) where !hasHeaders:
            hasHeaders = true
            isRequestEnded = headers.endStream
            isStreaming = headers.headers.first(name: ":path")?.hasSuffix("/ModelStreamInfer") ?? false
            let values = headers.headers[Self.timeout]
            // The library traps at a negative amount, and its sleep is never taken back: 1.7 KB for each call until
            // the time is over. So it does not see the field, and the deadline is a timer of the event loop.
            if !values.isEmpty {
                headers.headers.remove(name: Self.timeout)
                guard values.count == 1, let amount = Self.amount(values[0]) else {
                    return refuse(context, .invalidArgument, "invalid grpc-timeout")
                }
                deadline = after(amount, context) { $0.refuse($1, .deadlineExceeded, "deadline exceeded") }
            }
            let encoding = headers.headers[Self.encoding]
            if ["gzip", "deflate"].contains(encoding.first), encoding.count == 1 {
                headers.headers.remove(name: Self.encoding)
                unpacker = MessageUnpacker(unpack: unpack)
            }
            if !isRequestEnded { watchPace(context) }
            context.fireChannelRead(wrapInboundOut(.headers(headers)))
        case .data(let frame):
            let bytes = frame.data.readableBytes
            moved += bytes
            isRequestEnded = frame.endStream
            if isRequestEnded { pace?.cancel() }
            guard budget.take(bytes) else { return refuse(context, .resourceExhausted, "too many concurrent bytes") }
            held += bytes
            guard unpacker != nil, case .byteBuffer(let packed) = frame.data else {
                return context.fireChannelRead(data)
            }
            do {
                let plain = try unpacker?.add(packed) ?? packed
                guard budget.take(plain.readableBytes) else {
                    return refuse(context, .resourceExhausted, "too many concurrent bytes")
                }
                held += plain.readableBytes
                let whole = HTTP2Frame.FramePayload.Data(data: .byteBuffer(plain), endStream: frame.endStream)
                context.fireChannelRead(wrapInboundOut(.data(whole)))
            } catch {
                refuse(context, .invalidArgument, "a message cannot be decompressed or is too large")
            }
        default: context.fireChannelRead(data)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isRefused else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .headers(let headers):
            hasAnswered = true
            if headers.endStream {
                deadline?.cancel()
                // The client may leave its window closed.
                reader?.cancel()
                reader = after(limits.reader, context) { $1.close(mode: .all, promise: nil) }
            }
        case .data:
            // A message was answered: what it came in is no longer held.
            budget.give(held)
            held = 0
        default: break
        }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        reader?.cancel()
        reader = context.channel.isWritable ? nil : after(limits.reader, context) { $1.close(mode: .all, promise: nil) }
        context.fireChannelWritabilityChanged()
    }

    /// A request that stays away is given up; a stream of requests may be quiet for longer.
    private func watchPace(_ context: ChannelHandlerContext) {
        let time = isStreaming ? TimeAmount.minutes(5) : limits.body
        let wanted = isStreaming ? 1 : Int(time.nanoseconds / 1_000_000_000) * limits.rate
        moved = 0
        pace = after(time, context) { handler, context in
            if handler.isRequestEnded { return }
            if handler.moved < wanted { return handler.refuse(context, .deadlineExceeded, "the request is too slow") }
            handler.watchPace(context)
        }
    }

    /// Ends the call here, and lets the library and the service know that it is over.
    private func refuse(_ context: ChannelHandlerContext, _ code: Code, _ message: String) {
        guard !isRefused else { return }
        var fields = HPACKHeaders()
        if !hasAnswered { fields.add(contentsOf: [(":status", "200"), ("content-type", "application/grpc")]) }
        fields.add(name: "grpc-status", value: String(code.rawValue))
        fields.add(name: "grpc-message", value: message)
        isRefused = true
        // The library cancels the call's task; what it still writes is dropped above.
        context.fireChannelRead(wrapInboundOut(.rstStream(.cancel)))
        let place = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.headers(.init(headers: fields, endStream: true)))).whenComplete { _ in
            place.value.close(mode: .all, promise: nil)
        }
    }

    private func after(
        _ time: TimeAmount,
        _ context: ChannelHandlerContext,
        _ action: @escaping @Sendable (StreamGuard, ChannelHandlerContext) -> Void
    ) -> Scheduled<Void> {
        let place = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        return context.eventLoop.scheduleTask(in: time) { action(place.value.0, place.value.1) }
    }

    private enum Code: Int {
        case invalidArgument = 3, deadlineExceeded = 4, resourceExhausted = 8
    }

    private static let timeout = "grpc-timeout"
    private static let encoding = "grpc-encoding"
    private static let longest = TimeAmount.hours(1)

    /// The time that `[0-9]{1,8}[HMSmun]` says, at most an hour, or nil for any other text.
    static func amount(_ text: String) -> TimeAmount? {
        var bytes = Array(text.utf8)
        guard (2...9).contains(bytes.count), let unit = bytes.popLast() else { return nil }
        var number: Int64 = 0
        for byte in bytes {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            number = number * 10 + Int64(byte - 0x30)
        }
        let scale: Int64
        switch unit {
        case UInt8(ascii: "H"): scale = 3_600_000_000_000
        case UInt8(ascii: "M"): scale = 60_000_000_000
        case UInt8(ascii: "S"): scale = 1_000_000_000
        case UInt8(ascii: "m"): scale = 1_000_000
        case UInt8(ascii: "u"): scale = 1000
        case UInt8(ascii: "n"): scale = 1
        default: return nil
        }
        let (time, isOver) = number.multipliedReportingOverflow(by: scale)
        return isOver ? longest : min(.nanoseconds(time), longest)
    }
}
