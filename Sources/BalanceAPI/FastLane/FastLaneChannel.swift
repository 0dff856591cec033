package import HummingbirdCore
package import Logging
package import NIOCore
import NIOHTTPTypesHTTP1

/// Hummingbird's HTTP/1 channel with the fast lane before it.
package struct FastLaneChannel: ServerChildChannel {
    package typealias Value = HTTP1Channel.Value

    private let base: HTTP1Channel
    private let answers: QuickAnswers
    private let tracking: TrackingLane

    package init(
        responder: @escaping HTTPChannelHandler.Responder,
        answers: QuickAnswers,
        tracking: TrackingLane
    ) {
        base = HTTP1Channel(responder: responder)
        self.answers = answers
        self.tracking = tracking
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let lane = FastLaneHandler(answers: answers, tracking: tracking)
            let codec = try pipeline.context(handlerType: HTTP1ToHTTPServerCodec.self).handler
            try pipeline.addHandler(AnswerCounter(lane: lane), position: .after(codec))
            try pipeline.addHandler(lane, position: .first)
            return value
        }
    }

    package func handle(value: Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
