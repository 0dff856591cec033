import BalanceCore
import BalanceInference
import BalanceNet
import BalanceService
import BalanceStore
import BalanceTestSupport
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import Logging
import SwiftProtobuf
import Testing

@testable import BalanceGRPC

/// The calls of the Open Inference Protocol, by a client over a connection of its own.
struct InferenceGRPCTests {
    /// A directory that holds one model.
    private struct OneModel: ModelDirectory {
        let model: ServedModel
        let changes: UInt64 = 0

        func current(of name: String) async throws -> ServedModel {
            guard name == model.name else { throw Failure(.resourceNotFound, "there is no model '\(name)'") }
            return model
        }
        func version(_ text: String, of name: String) async throws -> ServedModel { try await current(of: name) }
        func loaded(_ name: String) -> ServedModel? { nil }
        func load(_ name: String) async throws {}
        func unload(_ name: String) async throws {}
        func problem(of name: String) async -> String? { nil }
        func isUnloaded(_ name: String) -> Bool { false }
    }

    private struct AtOnce: PredictionRunner {
        func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value { try body() }
    }

    private let folder: TemporaryFolder
    private let service: ModelService
    private let directory: AccessDirectory
    private let access: AccessCheck
    private let expected: [Double]

    init() throws {
        folder = try TemporaryFolder()
        let (model, _) = try DummyTrainer.train(seed: 1, samples: 40, features: 3)
        expected = try model.predictor.outputs([1, 2, 3])
        let database = try SQLiteDatabase(path: folder("b.db"))
        let registry = SQLRegistryStore(database: database, key: nil)
        directory = AccessDirectory(
            store: SQLAccountStore(database: database, key: nil),
            isOn: false,
            acceptsPasswords: false,
            runner: AtOnce()
        )
        access = AccessCheck(authenticator: directory, objects: SQLAccessObjects(database: database))
        service = ModelService(
            directory: OneModel(
                model: ServedModel(predictor: model.predictor, name: "credit", version: 4, runID: nil, path: "")
            ),
            registry: registry,
            store: registry,
            statistics: InferenceStatistics(),
            runner: AtOnce()
        )
    }

    private typealias Calls = Inference_GRPCInferenceService.Method

    /// Runs a server, and asks it by a client.
    private func asking(
        _ body: @escaping @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Void
    )
        async throws
    {
        let (ports, port) = AsyncStream<Int>.makeStream()
        let server = InferenceGRPCServer(
            service: service,
            access: access,
            host: "127.0.0.1",
            port: 0,
            isOptional: false,
            logger: Logger(label: "test"),
            limits: ConnectionLimits(),
            maximumConnections: 10,
            unpack: { bytes, _ in bytes },
            onStart: { port.yield($0) }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let number = try #require(await ports.first { _ in true })
            try await withGRPCClient(
                transport: .http2NIOPosix(
                    target: .ipv4(address: "127.0.0.1", port: number),
                    transportSecurity: .plaintext
                )
            ) { try await body($0) }
            group.cancelAll()
            try? await group.waitForAll()
        }
    }

    private static func call<Input: Message, Output: Message>(
        _ client: GRPCClient<HTTP2ClientTransport.Posix>,
        _ method: MethodDescriptor,
        _ input: Input,
        _ output: Output.Type
    ) async throws -> Output {
        try await client.unary(
            request: ClientRequest(message: input),
            descriptor: method,
            serializer: ProtobufSerializer<Input>(),
            deserializer: ProtobufDeserializer<Output>(),
            options: .defaults
        ) { try $0.message }
    }

    private static func request(
        _ change: (inout Inference_ModelInferRequest) -> Void = { _ in }
    )
        -> Inference_ModelInferRequest
    {
        .with { request in
            request.modelName = "credit"
            request.id = "r-1"
            request.inputs = [
                .with { input in
                    input.name = "input"
                    input.datatype = "FP64"
                    input.shape = [1, 3]
                    input.contents.fp64Contents = [1, 2, 3]
                }
            ]
            change(&request)
        }
    }

    @Test func `a model answers, and says which version it is`() async throws {
        let expected = self.expected
        try await asking { client in
            let live = try await Self.call(
                client,
                Calls.ServerLive.descriptor,
                Inference_ServerLiveRequest(),
                Inference_ServerLiveResponse.self
            )
            #expect(live.live)
            let metadata = try await Self.call(
                client,
                Calls.ModelMetadata.descriptor,
                Inference_ModelMetadataRequest.with { $0.name = "credit" },
                Inference_ModelMetadataResponse.self
            )
            let name = try #require(metadata.inputs.first?.name)
            let answer = try await Self.call(
                client,
                Calls.ModelInfer.descriptor,
                Self.request { $0.inputs[0].name = name },
                Inference_ModelInferResponse.self
            )
            #expect(answer.modelVersion == "4")
            #expect(answer.id == "r-1")
            let numbers = answer.outputs.flatMap(\.contents.fp64Contents)
            #expect(numbers.contains { abs($0 - expected[1]) < 1e-12 })
        }
    }

    /// What is wrong with a request, and the status that tells it.
    private static let wrong: [(String, RPCError.Code, @Sendable (inout Inference_ModelInferRequest) -> Void)] = [
        ("an unknown model", .notFound, { $0.modelName = "nothing" }),
        ("no input", .invalidArgument, { $0.inputs = [] }),
        ("a shape that the data does not fill", .invalidArgument, { $0.inputs[0].shape = [2, 3] }),
        ("a negative shape", .invalidArgument, { $0.inputs[0].shape = [-1, 3] }),
        ("a shape that overflows", .invalidArgument, { $0.inputs[0].shape = [Int64.max, Int64.max] }),
        ("an unknown type", .invalidArgument, { $0.inputs[0].datatype = "FP128" }),
        ("an unknown name", .invalidArgument, { $0.inputs[0].name = "nobody" }),
    ]

    @Test(arguments: wrong.indices)
    func `a request at fault has a status and a message`(index: Int) async throws {
        let (what, code, change) = Self.wrong[index]
        try await asking { client in
            let error = await #expect(throws: RPCError.self, "\(what)") {
                _ = try await Self.call(
                    client,
                    Calls.ModelInfer.descriptor,
                    Self.request(change),
                    Inference_ModelInferResponse.self
                )
            }
            #expect(error?.code == code, "\(what): \(error?.message ?? "")")
            #expect(error?.message.isEmpty == false)
        }
    }
}
