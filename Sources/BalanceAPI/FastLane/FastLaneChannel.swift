package import BalanceNet
import HTTPTypes
package import HummingbirdCore
package import Logging
package import NIOCore
package import NIOSSL
import NIOHTTPTypesHTTP1

/// Hummingbird's HTTP/1 channel with deadlines for clients and, where it is wanted, the fast lane before it.
package struct FastLaneChannel: ServerChildChannel {
    package typealias Value = HTTP1Channel.Value

    /// What the fast lane answers.
    package struct Lane: Sendable {
        let answers: QuickAnswers
        let tracking: TrackingLane
        let callers: LaneCallers

        package init(answers: QuickAnswers, tracking: TrackingLane, callers: LaneCallers) {
            self.answers = answers
            self.tracking = tracking
            self.callers = callers
        }
    }

    private let base: HTTP1Channel
    private let lane: Lane?
    private let limits: ConnectionLimits
    private let tls: NIOSSLContext?

    /// - Parameters:
    ///   - responder: The normal pipeline.
    ///   - limits: How long a client may take.
    ///   - lane: What is answered from the bytes of the connection; nil: nothing is.
    ///   - tls: What the server proves itself by; nil: the connection is not encrypted.
    package init(
        responder: @escaping HTTPChannelHandler.Responder,
        limits: ConnectionLimits,
        lane: Lane?,
        tls: NIOSSLContext? = nil
    ) {
        self.tls = tls
        self.lane = lane
        self.limits = limits
        base = HTTP1Channel(
            responder: { request, writer, channel in
                guard request.headers[.expect] != nil else { return try await responder(request, writer, channel) }
                var request = request
                request.body = RequestBody(asyncSequence: ContinuingBody(body: request.body, channel: channel))
                try await responder(request, writer, channel)
            }
        )
    }

    private static let farewell = ByteBuffer(
        staticString: "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    )

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let codec = try pipeline.context(handlerType: HTTP1ToHTTPServerCodec.self).handler
            let loop = channel.eventLoop
            let handler = lane.map {
                FastLaneHandler(answers: $0.answers, tracking: $0.tracking, callers: $0.callers, loop: loop)
            }
            let watch = RequestWatch(lane: handler)
            let deadlines = ConnectionDeadlines(limits: limits, turns: watch, farewell: Self.farewell)
            watch.deadlines = deadlines
            try pipeline.addHandler(watch, position: .before(codec))
            if let handler { try pipeline.addHandler(handler, position: .first) }
            try pipeline.addHandler(deadlines, position: .first)
            if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls), position: .first) }
            return value
        }
    }

    package func handle(value: Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

/// A body whose first read lets the client send it (RFC 9110, 10.1.1).
private struct ContinuingBody: AsyncSequence, Sendable {
    let body: RequestBody
    let channel: any Channel

    struct Iterator: AsyncIteratorProtocol {
        var base: RequestBody.AsyncIterator
        var channel: (any Channel)?

        mutating func next() async throws -> ByteBuffer? {
            if let channel {
                self.channel = nil
                channel.triggerUserOutboundEvent(SendContinue(), promise: nil)
            }
            return try await base.next()
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(base: body.makeAsyncIterator(), channel: channel) }
}
