import BalanceCore
import BalanceNet
import Foundation
import NIOCore

/// Answers simple requests from the bytes of a connection, and hands all others on to the normal pipeline.
///
/// A request that is of the simple form but not quick is handed on whole and counted until it was answered, so that
/// answers keep the order of their requests. At the first byte that is not surely of the form the connection is left to
/// the normal pipeline for good.
final class FastLaneHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let answers: QuickAnswers
    private let models: LoopModels
    private let tracking: TrackingLane
    private var caller: LaneCaller
    private var pending = ByteBuffer()
    private var output = ByteBuffer()
    private var isLeftAlone = false
    private var isWritable = true
    /// Requests that were handed on and not answered yet.
    private var inFlight = 0
    private(set) var seen = 0
    /// The request whose answer is on its way from the tracking store; its bytes are the first that are pending.
    private var waiting: WireRequest?
    /// What came in the meantime and has to wait for that answer.
    private var heldEvents: [Any] = []
    private var holdsRead = false
    /// Reads since the last whole request.
    private var attempts = 0
    /// The bytes that the request at the front will have, where that is known.
    private var needed = 0
    private var hasWritten = false
    /// Whether the normal pipeline was handed something since it was last told that a read is complete.
    private var hasHandedOn = false
    private var head = WireHead()

    /// A client that sends the head of a request in more pieces gains nothing from this lane.
    private static let maximumAttempts = 32
    /// The bytes of a buffer that is used again.
    private static let maximumKept = 16 << 10
    /// How much is read ahead while an answer is waited for.
    private static let maximumAhead = 64 << 10

    init(answers: QuickAnswers, tracking: TrackingLane, callers: LaneCallers, loop: any EventLoop) {
        caller = LaneCaller(callers)
        self.answers = answers
        models = answers.models.of(loop)
        self.tracking = tracking
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isLeftAlone { return hand(data, context) }
        var bytes = unwrapInboundIn(data)
        if pending.readableBytes == 0 {
            pending = bytes
        } else {
            // A buffer keeps what was read of it; each read may end within a request, and then it is never empty.
            if pending.readerIndex > max(pending.readableBytes, Self.maximumKept) { pending.discardReadBytes() }
            pending.writeBuffer(&bytes)
        }
        process(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard hasHandedOn else { return }
        hasHandedOn = false
        context.fireChannelReadComplete()
    }

    private func hand(_ data: NIOAny, _ context: ChannelHandlerContext) {
        hasHandedOn = true
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        if waiting != nil, pending.readableBytes > Self.maximumAhead { holdsRead = true } else { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        context.fireChannelWritabilityChanged()
    }

    private func process(_ context: ChannelHandlerContext) {
        loop: while waiting == nil, pending.readableBytes > 0, pending.readableBytes >= needed {
            needed = 0
            switch pending.withUnsafeReadableBytes(WireRequest.read) {
            case .incomplete(let length):
                needed = length ?? 0
                attempts += 1
                if attempts > Self.maximumAttempts { leaveAlone(context) }
                break loop
            case .unknown:
                leaveAlone(context)
                break loop
            case .complete(let request):
                attempts = 0
                seen &+= 1
                let sender = pending.withUnsafeReadableBytes { caller.identity(request, $0) }
                if let sender, inFlight == 0, isWritable {
                    if answer(request, sender) {
                        pending.moveReaderIndex(forwardBy: request.end)
                    } else if !begin(request, sender, context) {
                        forward(request, context)
                    }
                } else {
                    forward(request, context)
                }
            }
        }
        flush(context)
        if pending.readableBytes == 0 { pending = ByteBuffer() }
    }

    private func answer(_ request: WireRequest, _ sender: LaneIdentity) -> Bool {
        pending.withUnsafeReadableBytes { bytes in
            guard let body = answers.answer(request, bytes, models, sender) else { return false }
            head.write(body, status: nil, to: request.requestID.map { bytes[$0] }, &output)
            return true
        }
    }

    /// Begins a request of the tracking store, whose answer comes later.
    private func begin(_ request: WireRequest, _ sender: LaneIdentity, _ context: ChannelHandlerContext) -> Bool {
        let loop = context.eventLoop
        let place = NIOLoopBound((lane: self, context: context), eventLoop: loop)
        let isBegun = pending.withUnsafeReadableBytes { bytes in
            tracking.begin(request, bytes, sender.principal) { answer in
                loop.execute { place.value.lane.finish(answer, place.value.context) }
            }
        }
        if isBegun { waiting = request }
        return isBegun
    }

    private func finish(_ answer: TrackingLane.Answer?, _ context: ChannelHandlerContext) {
        // The connection may be gone.
        guard let request = waiting else { return }
        waiting = nil
        if let answer {
            pending.withUnsafeReadableBytes { bytes in
                head.write(answer.body, status: answer.status, to: request.requestID.map { bytes[$0] }, &output)
            }
            pending.moveReaderIndex(forwardBy: request.end)
        } else {
            forward(request, context)
        }
        let events = heldEvents
        heldEvents = []
        if events.isEmpty { process(context) }
        for event in events { userInboundEventTriggered(context: context, event: event) }
        // The normal pipeline looks at what it was handed when a read is complete; this was outside of one.
        channelReadComplete(context: context)
        if holdsRead, waiting == nil {
            holdsRead = false
            context.read()
        }
    }

    private func forward(_ request: WireRequest, _ context: ChannelHandlerContext) {
        guard let whole = pending.readSlice(length: request.end) else { return }
        flush(context)
        inFlight += 1
        hand(wrapInboundOut(whole), context)
    }

    private func flush(_ context: ChannelHandlerContext) {
        guard output.readableBytes > 0 else { return }
        hasWritten = true
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
        // An idle connection keeps no more than a small answer needs.
        if output.capacity > Self.maximumKept { output = ByteBuffer() } else { output.clear(minimumCapacity: 512) }
    }

    private func leaveAlone(_ context: ChannelHandlerContext) {
        flush(context)
        isLeftAlone = true
        let rest = pending
        pending = ByteBuffer()
        if rest.readableBytes > 0 { hand(wrapInboundOut(rest), context) }
    }

    /// The end of the client's bytes, or of the server: what has come of a request is for the normal pipeline to judge,
    /// which lets it finish.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        let isEnd = if case .some(.inputClosed) = event as? ChannelEvent { true } else { false }
        guard isEnd || event is ChannelShouldQuiesceEvent else { return context.fireUserInboundEventTriggered(event) }
        if waiting != nil { return heldEvents.append(event) }
        if !isLeftAlone { leaveAlone(context) }
        guard hasWritten else { return context.fireUserInboundEventTriggered(event) }
        // The normal pipeline knows nothing of answers that are still on their way, and would close on them: an empty
        // write ends behind them.
        let held = NIOLoopBound((context: context, event: event), eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            held.value.context.fireUserInboundEventTriggered(held.value.event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if waiting != nil {
            // It was taken and will be done; nobody is there for its answer.
            waiting = nil
            pending = ByteBuffer()
            heldEvents = []
            isLeftAlone = true
        } else if !isLeftAlone {
            leaveAlone(context)
        }
        context.fireChannelInactive()
    }
}

extension FastLaneHandler: LaneTurns {
    var isBusy: Bool { waiting != nil || inFlight > 0 }

    var part: ConnectionTurn? { isLeftAlone || pending.readableBytes == 0 ? nil : needed > 0 ? .body : .head }

    /// What was answered before the lane left the connection alone is not counted any more.
    func wasAnswered() { if inFlight > 0 { inFlight -= 1 } }
}
