package import NIOCore

#if canImport(Glibc)
import Glibc
#endif

/// Accepts no more connections than fit, and rests where the system has no descriptors: on the listening channel.
package final class AcceptLimit: ChannelDuplexHandler {
    package typealias InboundIn = any Channel
    package typealias InboundOut = any Channel
    package typealias OutboundIn = Never
    package typealias OutboundOut = Never

    private let maximum: Int
    private var open = 0
    private var holdsRead = false
    private var isResting = false

    package init(_ maximum: Int) { self.maximum = maximum }

    /// For a listening channel that is already bound, as Hummingbird hands it to `onServerRunning`.
    package static func install(_ maximum: Int, on channel: any Channel) async throws {
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(AcceptLimit(maximum), position: .first)
        }.get()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let child = unwrapInboundIn(data)
        open += 1
        let place = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        child.closeFuture.hop(to: context.eventLoop).whenComplete { _ in
            let (handler, context) = place.value
            handler.open -= 1
            handler.readIfHeld(context)
        }
        context.fireChannelRead(data)
    }

    package func read(context: ChannelHandlerContext) {
        if open >= maximum || isResting { holdsRead = true } else { context.read() }
    }

    /// NIO leaves the listening socket registered after EMFILE and spins: without automatic reads it does not.
    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let failure = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(failure.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        guard !isResting else { return }
        isResting = true
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
        let place = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .seconds(1)) {
            let (handler, context) = place.value
            handler.isResting = false
            try? context.channel.syncOptions?.setOption(.autoRead, value: true)
            handler.readIfHeld(context)
        }
    }

    private func readIfHeld(_ context: ChannelHandlerContext) {
        guard holdsRead, open < maximum, !isResting, context.channel.isActive else { return }
        holdsRead = false
        context.read()
    }
}
