import BalanceCore
import BalanceNet
import GRPCCore

/// Who makes a call; its methods ask what they may do.
struct GRPCCaller: Sendable {
    let principal: Principal
    /// What was shown, to be looked at again for each message of a stream.
    let token: AccessToken?

    /// Of the call that is being answered.
    @TaskLocal static var current = GRPCCaller(principal: .unchecked, token: nil)
}

/// Finds out who makes each call, by its metadata: `authorization: Bearer TOKEN`.
struct CallerInterceptor: ServerInterceptor {
    let access: AccessCheck

    /// What load balancers ask, and learn nothing from.
    private static let open: Set<String> = ["ServerLive", "ServerReady"]

    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>,
        context: ServerContext,
        next:
            @Sendable (
                _ request: StreamingServerRequest<Input>,
                _ context: ServerContext
            ) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        guard access.authenticator.isOn else { return try await next(request, context) }
        if Self.open.contains(context.descriptor.method) { return try await next(request, context) }
        let caller: GRPCCaller
        do {
            caller = try await self.caller(request.metadata)
        } catch {
            return StreamingServerResponse(
                error: RPCError(code: .unauthenticated, message: Failure.from(error).message)
            )
        }
        let inner = GRPCCaller.$current
        var response = try await inner.withValue(caller) { try await next(request, context) }
        // What writes the messages runs later, and in a task of its own.
        if case .success(var contents) = response.accepted {
            let produce = contents.producer
            contents.producer = { writer in try await inner.withValue(caller) { try await produce(writer) } }
            response.accepted = .success(contents)
        }
        return response
    }

    private func caller(_ metadata: Metadata) async throws -> GRPCCaller {
        let values = Array(metadata[stringValues: "authorization"])
        guard values.count == 1, let value = values.first else {
            throw Failure(.unauthenticated, "send one authorization: Bearer TOKEN in the metadata")
        }
        let parts = value.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts[0].lowercased() == "bearer", let token = AccessToken(parsing: parts[1]) else {
            throw Failure(.unauthenticated, "the token is not valid")
        }
        let principal = try await access.authenticator.principal(.token(token), from: "grpc")
        return GRPCCaller(principal: principal, token: token)
    }
}
