package import BalanceService
import BalanceCore
package import BalanceNet
import GRPCCore
import GRPCNIOTransportHTTP2Posix
package import Logging
import ServiceLifecycle

/// The Open Inference Protocol over gRPC, on a port of its own, in plain text.
package struct InferenceGRPCServer: Service {
    private let service: ModelService
    private let host: String
    private let port: Int
    private let isOptional: Bool
    private let logger: Logger
    private let onStart: @Sendable (Int) -> Void
    private let guards: GRPCGuards
    private let access: AccessCheck
    private let identity: TLSIdentity?

    /// The most that a message may hold, in bytes.
    package static let maximumMessage = 64 << 20

    /// - Parameters:
    ///   - service: The models.
    ///   - access: Judges the callers.
    ///   - identity: What the server proves itself by; nil: connections are not encrypted.
    ///   - host: The address to listen on.
    ///   - port: The port; 0 takes a free one.
    ///   - isOptional: Whether the process goes on without this server where the port is taken.
    ///   - logger: Where it says so.
    ///   - limits: How long a client may take.
    ///   - maximumConnections: How many connections there may be at once.
    ///   - unpack: Unpacks messages.
    ///   - onStart: Told the port.
    package init(
        service: ModelService,
        access: AccessCheck,
        identity: TLSIdentity? = nil,
        host: String,
        port: Int,
        isOptional: Bool,
        logger: Logger,
        limits: ConnectionLimits,
        maximumConnections: Int,
        unpack: @escaping Unpack,
        onStart: @escaping @Sendable (Int) -> Void
    ) {
        guards = GRPCGuards(limits: limits, maximumConnections: maximumConnections, unpack: unpack)
        self.service = service
        self.access = access
        self.identity = identity
        self.host = host
        self.port = port
        self.isOptional = isOptional
        self.logger = logger
        self.onStart = onStart
    }

    package func run() async throws {
        let server = GRPCServer(
            transport: .http2NIOPosix(
                address: address,
                transportSecurity: try security,
                config: .defaults { config in
                    config.rpc.maxRequestPayloadSize = Self.maximumMessage
                    guards.apply(to: &config)
                }
            ),
            services: [InferenceGRPCService(service: service, access: access, logger: logger)],
            interceptors: [CallerInterceptor(access: access)]
        )
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await withGracefulShutdownHandler {
                        try await server.serve()
                    } onGracefulShutdown: {
                        server.beginGracefulShutdown()
                    }
                }
                // Where it cannot listen, the other task says why.
                group.addTask {
                    if let address = try? await server.listeningAddress { onStart(Self.port(of: address)) }
                }
                try await group.waitForAll()
            }
        } catch {
            try await answer(error)
        }
    }

    /// A port that was not asked for by number may be taken: then the process serves HTTP alone.
    private func answer(_ error: any Error) async throws {
        if error is CancellationError { return }
        let text = (error as? RuntimeError).map { $0.cause.map { "\($0)" } ?? $0.message } ?? "\(error)"
        guard isOptional else {
            throw Failure(
                .addressInUse,
                "cannot listen for gRPC on \(host), port \(port): \(text)",
                hint: "choose another port with --grpc-port, or disable gRPC with --grpc-port off",
                cause: error
            )
        }
        logger.warning("gRPC is disabled: cannot listen on port \(port); choose a port with --grpc-port (\(text))")
        try? await gracefulShutdown()
    }

    private var security: HTTP2ServerTransport.Posix.TransportSecurity {
        get throws {
            guard let identity else { return .plaintext }
            return try .tls(certificateReloader: identity)
        }
    }

    private var address: GRPCNIOTransportHTTP2Posix.SocketAddress {
        if host.contains(":") { return .ipv6(host: host, port: port) }
        return .ipv4(host: host == "localhost" ? "127.0.0.1" : host, port: port)
    }

    private static func port(of address: GRPCNIOTransportHTTP2Posix.SocketAddress) -> Int {
        address.ipv4?.port ?? address.ipv6?.port ?? 0
    }
}
