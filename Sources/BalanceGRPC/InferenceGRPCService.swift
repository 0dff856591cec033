import BalanceService
import BalanceCore
import BalanceNet
import GRPCCore
import Logging
import SwiftProtobuf

/// The calls of `inference.GRPCInferenceService`; those that are not here answer UNIMPLEMENTED.
struct InferenceGRPCService: Inference_GRPCInferenceService.SimpleServiceProtocol {
    let service: ModelService
    let access: AccessCheck
    let logger: Logger

    func serverLive(
        request: Inference_ServerLiveRequest,
        context: ServerContext
    ) async throws
        -> Inference_ServerLiveResponse
    {
        .with { $0.live = true }
    }

    func serverReady(
        request: Inference_ServerReadyRequest,
        context: ServerContext
    ) async throws
        -> Inference_ServerReadyResponse
    {
        try await answer {
            let problem = try await service.problem()
            return .with { $0.ready = problem == nil }
        }
    }

    /// A model that is not there, or cannot be loaded, is not ready: that is an answer and no error.
    func modelReady(
        request: Inference_ModelReadyRequest,
        context: ServerContext
    ) async throws
        -> Inference_ModelReadyResponse
    {
        try await answer {
            try await require(.predict, [.model(request.name)])
            let model = try? await service.model(request.name, version: request.version)
            return .with { $0.ready = model != nil }
        }
    }

    func serverMetadata(
        request: Inference_ServerMetadataRequest,
        context: ServerContext
    ) async throws
        -> Inference_ServerMetadataResponse
    {
        try await answer {
            try await require(.predict, [.any])
            return .with {
                $0.name = "balanceops"
                $0.version = Build.version
                $0.extensions = ModelService.extensions
            }
        }
    }

    func modelMetadata(
        request: Inference_ModelMetadataRequest,
        context: ServerContext
    ) async throws
        -> Inference_ModelMetadataResponse
    {
        try await answer {
            try await require(.predict, [.model(request.name)])
            let model = try await service.model(request.name, version: request.version)
            let versions = try await service.servableVersions(of: model.name)
            return GRPCDocuments.metadata(model, versions)
        }
    }

    func modelConfig(
        request: Inference_ModelConfigRequest,
        context: ServerContext
    ) async throws
        -> Inference_ModelConfigResponse
    {
        try await answer {
            try await require(.predict, [.model(request.name)])
            let model = try await service.model(request.name, version: request.version)
            return .with { $0.config = GRPCDocuments.config(model) }
        }
    }

    func modelStatistics(
        request: Inference_ModelStatisticsRequest,
        context: ServerContext
    ) async throws
        -> Inference_ModelStatisticsResponse
    {
        try await answer {
            try await require(.read, [request.name.isEmpty ? .any : .model(request.name)])
            let entries = try await service.statistics(of: request.name, version: request.version)
                .filter { GRPCCaller.current.principal.may(.read, .model($0.name)) }
            return .with { $0.modelStats = entries.map(GRPCDocuments.statistics) }
        }
    }

    func modelInfer(
        request: Inference_ModelInferRequest,
        context: ServerContext
    ) async throws
        -> Inference_ModelInferResponse
    {
        try await answer { try await infer(request) }
    }

    /// Requests are answered one by one in their order; an error is an answer too, and the stream goes on.
    func modelStreamInfer(
        request: RPCAsyncSequence<Inference_ModelInferRequest, any Error>,
        response: RPCWriter<Inference_ModelStreamInferResponse>,
        context: ServerContext
    ) async throws {
        for try await message in request {
            var reply = Inference_ModelStreamInferResponse()
            do {
                let caller = try await callerNow()
                reply.inferResponse = try await GRPCCaller.$current.withValue(caller) { try await infer(message) }
            } catch {
                let failure = Failure.from(error)
                if failure.code == .unauthenticated {
                    throw RPCError(code: .unauthenticated, message: failure.message)
                }
                reply.errorMessage = Self.text(failure)
                reply.inferResponse = .with { $0.id = message.id }
            }
            try await response.write(reply)
        }
    }

    func repositoryIndex(
        request: Inference_RepositoryIndexRequest,
        context: ServerContext
    ) async throws
        -> Inference_RepositoryIndexResponse
    {
        try await answer {
            try await require(.read, [.any])
            let principal = GRPCCaller.current.principal
            let states = try await service.index().filter {
                ($0.isReady || !request.ready) && principal.may(.read, .model($0.name))
            }
            return .with { response in
                response.models = states.map { state in
                    .with {
                        $0.name = state.name
                        $0.version = String(state.version)
                        $0.state = state.state
                        $0.reason = state.reason
                    }
                }
            }
        }
    }

    func repositoryModelLoad(
        request: Inference_RepositoryModelLoadRequest,
        context: ServerContext
    ) async throws
        -> Inference_RepositoryModelLoadResponse
    {
        try await answer {
            if let name = request.parameters.keys.min() { throw ModelService.refusesParameter(name) }
            try await require(.operate, [.model(request.modelName)])
            try await service.load(request.modelName, by: try actor)
            return .init()
        }
    }

    func repositoryModelUnload(
        request: Inference_RepositoryModelUnloadRequest,
        context: ServerContext
    ) async throws
        -> Inference_RepositoryModelUnloadResponse
    {
        try await answer {
            try await require(.operate, [.model(request.modelName)])
            try await service.unload(request.modelName, by: try actor)
            return .init()
        }
    }

    private func require(_ permission: Permission, _ objects: [ObjectReference]) async throws {
        try await access.require(permission, objects, of: GRPCCaller.current.principal, requestID: nil)
    }

    /// Who sends a message of a stream: what changed since it was opened holds, and a token that was revoked ends it.
    private func callerNow() async throws -> GRPCCaller {
        guard let token = GRPCCaller.current.token else { return GRPCCaller.current }
        let principal = try await access.authenticator.principal(.token(token), from: "grpc")
        return GRPCCaller(principal: principal, token: token)
    }

    private var actor: Actor {
        get throws { try Actor(GRPCCaller.current.principal, saying: nil, otherwise: "grpc", requestID: nil) }
    }

    private func infer(_ request: Inference_ModelInferRequest) async throws -> Inference_ModelInferResponse {
        let clock = ContinuousClock()
        let start = clock.now
        let (inputs, isRaw) = try GRPCTensors.inputs(of: request)
        let read = (clock.now - start).nanoseconds
        try await require(.predict, [.model(request.modelName)])
        let model = try await service.model(request.modelName, version: request.modelVersion)
        let wanted = InferenceRequest(inputs: inputs, outputs: request.outputs.map(\.name))
        let outputs = try await service.asking(model, rows: inputs.first?.shape.first ?? 1) {
            try service.infer(wanted, with: model, input: read)
        }
        return .with { response in
            response.modelName = model.name
            response.modelVersion = String(model.version)
            response.id = request.id
            GRPCTensors.write(outputs, to: &response, isRaw: isRaw)
        }
    }

    /// Runs a call and gives its failure the status that clients of gRPC know.
    private func answer<Output>(_ body: () async throws -> Output) async throws -> Output {
        do {
            return try await body()
        } catch let error as CancellationError {
            throw error
        } catch {
            let failure = Failure.from(error)
            if failure.code.row.status == 500 {
                logger.error("\(failure.message)", metadata: ["cause": "\(failure.cause.map { "\($0)" } ?? "")"])
            }
            throw RPCError(code: Self.code(failure), message: Self.text(failure))
        }
    }

    private static func text(_ failure: Failure) -> String {
        let reason = failure.details?["message"]?.string.map { ": \($0)" } ?? ""
        // A status travels in a header, which holds 8 KiB.
        return String((failure.message + reason + (failure.hint.map { " (\($0))" } ?? "")).prefix(1000))
    }

    /// The status that stands for an HTTP status.
    private static func code(_ failure: Failure) -> RPCError.Code {
        switch failure.code.row.status {
        case 404: .notFound
        case 400, 413, 415, 422: .invalidArgument
        case 401: .unauthenticated
        case 403: .permissionDenied
        case 409: .failedPrecondition
        case 501: .unimplemented
        case 503: .unavailable
        case 507: .resourceExhausted
        default: .internalError
        }
    }
}
