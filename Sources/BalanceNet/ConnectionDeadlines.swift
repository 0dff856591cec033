package import NIOCore

/// Whose move it is on a connection, as those who know its protocol see it.
package enum ConnectionTurn: Equatable {
    /// Nothing has begun.
    case idle
    /// A request (or an HTTP/2 preface) has begun and its head is not whole.
    case head
    /// The body of a request is on its way, and nothing before it waits for the server.
    case body
    /// The server works or answers: no deadline of the client's runs.
    case server
}

/// Who knows whose move it is, asked a few times a minute on the connection's event loop.
package protocol ConnectionTurns: AnyObject {
    var turn: ConnectionTurn { get }
    /// Changes with each request that begins, so that a busy connection never seems to be at one head for long.
    var requests: Int { get }
}

/// How long a client may take, in seconds of its own time.
package struct ConnectionLimits: Sendable {
    package var tick: TimeAmount = .seconds(2)
    /// From the accept, or from the first byte of a request, to the end of its head.
    package var head: TimeAmount = .seconds(10)
    /// How far a body may fall behind ``rate``.
    package var body: TimeAmount = .seconds(10)
    package var idle: TimeAmount = .seconds(60)
    /// How far a reader of answers may fall behind ``rate``.
    package var reader: TimeAmount = .seconds(30)
    /// How long the client may keep its half open after the server closed its own.
    package var linger: TimeAmount = .seconds(5)
    /// Bytes a second.
    package var rate = 1 << 10

    package init() {}
}

/// Ends a connection whose client takes too long; the first handler of its pipeline, on raw bytes.
///
/// Per byte it only counts: everything else happens at a tick. Time counts against a body only while a read is
/// outstanding, so a server that does not read (back-pressure, a long computation) never blames the client.
package final class ConnectionDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = IOData
    package typealias OutboundOut = IOData

    private let limits: ConnectionLimits
    private let turns: any ConnectionTurns
    /// What is sent before a connection ends at a head or a body, where no answer has begun.
    private let farewell: ByteBuffer?

    package private(set) var bytesIn = 0
    private var bytesOut = 0
    private var isReadOutstanding = false
    private var wasReadOutstanding = false
    private var isOutputClosed = false
    private var isClosing = false

    private var seenIn = 0
    private var seenDrained = 0
    private var seenTurn = ConnectionTurn.head
    private var seenRequests = 0
    private var age = TimeAmount.zero
    private var bodyDebt = TimeAmount.zero
    private var readerDebt = TimeAmount.zero
    private var timer: Scheduled<Void>?

    package init(limits: ConnectionLimits, turns: any ConnectionTurns, farewell: ByteBuffer? = nil) {
        self.limits = limits
        self.turns = turns
        self.farewell = farewell
    }

    package func handlerAdded(context: ChannelHandlerContext) { if context.channel.isActive { start(context) } }

    package func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    package func handlerRemoved(context: ChannelHandlerContext) { stop() }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReadOutstanding = false
        bytesIn &+= unwrapInboundIn(data).readableBytes
        context.fireChannelRead(data)
    }

    package func read(context: ChannelHandlerContext) {
        isReadOutstanding = true
        context.read()
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        bytesOut &+= unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output, !isOutputClosed {
            isOutputClosed = true
            age = .zero
        }
        context.close(mode: mode, promise: promise)
    }

    private func start(_ context: ChannelHandlerContext) {
        guard timer == nil else { return }
        let place = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: limits.tick) {
            let (handler, context) = place.value
            handler.timer = nil
            if !handler.isClosing, context.channel.isActive { handler.tick(context) }
        }
    }

    private func stop() {
        timer?.cancel()
        timer = nil
    }

    private func tick(_ context: ChannelHandlerContext) {
        let buffered = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        let drained = bytesOut - buffered
        readerDebt = buffered == 0 ? .zero : debt(readerDebt, moved: drained - seenDrained)
        let moved = bytesIn - seenIn
        let (turn, requests) = (bytesIn == 0 ? .head : turns.turn, turns.requests)
        // Bytes that wait to be read by the client are the client's move too, and have their own deadline.
        if turn != seenTurn || requests != seenRequests {
            age = .zero
            bodyDebt = .zero
        } else {
            age = age + limits.tick
            let isWaited = isReadOutstanding && (wasReadOutstanding || moved > 0)
            bodyDebt = turn == .body && isWaited ? debt(bodyDebt, moved: moved) : bodyDebt
        }
        (seenIn, seenDrained, seenTurn, seenRequests) = (bytesIn, drained, turn, requests)
        wasReadOutstanding = isReadOutstanding
        if readerDebt >= limits.reader { return end(context) }
        if isOutputClosed, age >= limits.linger || requests != seenRequests { return end(context) }
        switch turn {
        case .idle where age >= limits.idle && buffered == 0: end(context)
        case .head where age >= limits.head && buffered == 0: end(context, farewell)
        case .body where bodyDebt >= limits.body: end(context, farewell)
        default: start(context)
        }
    }

    /// The time that a side is behind: it grows with the clock and shrinks with each byte.
    private func debt(_ debt: TimeAmount, moved: Int) -> TimeAmount {
        let paid = Int64(min(moved, 1 << 30)) * 1_000_000_000 / Int64(limits.rate)
        return .nanoseconds(max(0, debt.nanoseconds + limits.tick.nanoseconds - paid))
    }

    private func end(_ context: ChannelHandlerContext, _ farewell: ByteBuffer? = nil) {
        isClosing = true
        if let farewell, bytesIn > 0, !isOutputClosed {
            context.writeAndFlush(wrapOutboundOut(.byteBuffer(farewell)), promise: nil)
        }
        context.close(mode: .all, promise: nil)
    }
}
