package import BalanceService
package import BalanceNet
package import BalanceCore

/// The answers that can be given at once: successful predictions of models that are loaded and take microseconds.
///
/// Everything else, and every failure, is nil here: the normal routes then answer, and say what is wrong.
package struct QuickAnswers: Sendable {
    let models: LoopModelsByLoop
    private let service: ModelService
    private let hosts: AllowedHosts

    /// - Parameters:
    ///   - directory: The models.
    ///   - service: What counts the answers.
    ///   - hosts: The hosts that requests may name.
    package init(directory: any ModelDirectory, service: ModelService, hosts: AllowedHosts) {
        models = LoopModelsByLoop(directory)
        self.service = service
        self.hosts = hosts
    }

    /// A route whose answers can be quick.
    private enum Route {
        case features
        case rows(String)
        case scoring(String)
        case tensors(String)

        /// Whether somebody may have the answer; who may not is told so by the normal routes.
        func allows(_ principal: Principal) -> Bool {
            if principal.everywhere.contains(.predict) { return true }
            switch self {
            case .features: return principal.may(.predict, .model(defaultModelName))
            case .rows(let name), .scoring(let name), .tensors(let name):
                return principal.may(.predict, .model(name))
            }
        }
    }

    /// The body of the answer to one whole request as it came over the wire, or nil.
    package func answer(wire bytes: [UInt8], _ models: LoopModels, from caller: inout LaneCaller) -> [UInt8]? {
        bytes.withUnsafeBytes { bytes in
            guard case .complete(let request) = WireRequest.read(bytes),
                let caller = caller.identity(request, bytes)
            else { return nil }
            return answer(request, bytes, models, caller)
        }
    }

    /// The body of the answer, or nil.
    func answer(
        _ request: WireRequest,
        _ bytes: UnsafeRawBufferPointer,
        _ models: LoopModels,
        _ caller: LaneIdentity
    ) -> [UInt8]? {
        guard request.isPost, request.isPlain, hosts.allow(bytes, request.host),
            let route = route(UnsafeRawBufferPointer(rebasing: bytes[request.path])), route.allows(caller.principal)
        else { return nil }
        let body = UnsafeRawBufferPointer(rebasing: bytes[request.body])
        switch route {
        case .features: return features(body, models)
        case .rows(let name): return try? rows(model(name, body, models), body)
        case .scoring(let name): return request.hasContentType ? try? scoring(model(name, body, models), body) : nil
        case .tensors(let name): return try? tensors(model(name, body, models), body)
        }
    }

    private func route(_ path: UnsafeRawBufferPointer) -> Route? {
        if path.holds("/predict") { return .features }
        if path.holds("/invocations") { return .scoring(defaultModelName) }
        if let name = Self.name(path, "/v2/models/", "/infer") { return .tensors(name) }
        if let name = Self.name(path, "/models/", "/predict") { return .rows(name) }
        if let name = Self.name(path, "/models/", "/invocations") { return .scoring(name) }
        return nil
    }

    /// The plain name between two parts of a path.
    private static func name(_ path: UnsafeRawBufferPointer, _ before: StaticString, _ after: StaticString) -> String? {
        let (first, last) = (before.utf8CodeUnitCount, path.count - after.utf8CodeUnitCount)
        guard first < last, UnsafeRawBufferPointer(rebasing: path[..<first]).holds(before),
            UnsafeRawBufferPointer(rebasing: path[last...]).holds(after)
        else { return nil }
        let name = path[first..<last]
        for byte in name {
            switch byte {
            case 0x61...0x7A, 0x41...0x5A, 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                continue
            default: return nil
            }
        }
        return String(decoding: name, as: UTF8.self)
    }

    private func features(_ body: UnsafeRawBufferPointer, _ models: LoopModels) -> [UInt8]? {
        guard let model = models.loaded(defaultModelName), model.rowCost <= Self.maximumCost,
            let count = model.chanceFeatures, let row = FeatureScanner.numbers(body, count: count),
            let outputs = try? service.outputs(ofRow: row, with: model), outputs.count > 1, outputs[1].isFinite
        else { return nil }
        var answer: [UInt8] = []
        answer.reserveCapacity(40)
        answer += "{\"p_win\":".utf8
        answer += outputs[1].description.utf8
        answer.append(UInt8(ascii: "}"))
        return answer
    }

    /// The steps that one answer may take on the event loop, where every other connection waits for it.
    private static let maximumCost = 50_000
    /// The bytes of a body that is read as JSON there.
    private static let maximumBody = 8 << 10

    private func model(_ name: String, _ body: UnsafeRawBufferPointer, _ models: LoopModels) throws -> ServedModel {
        guard body.count <= Self.maximumBody, let model = models.loaded(name) else { throw NotQuick() }
        try check(model, rows: 1)
        return model
    }

    private func check(_ model: ServedModel, rows: Int) throws {
        let (cost, overflow) = model.rowCost.multipliedReportingOverflow(by: max(rows, 1))
        guard !overflow, cost <= Self.maximumCost else { throw NotQuick() }
    }

    private struct NotQuick: Error {}

    private func rows(_ model: ServedModel, _ body: UnsafeRawBufferPointer) throws -> [UInt8] {
        let value = try JSONValue(parsing: Array(body), refusesRepeatedNames: true)
        try check(model, rows: value["instances"]?.elements?.count ?? 1)
        guard value["features"] != nil || value["instances"] != nil else { throw NotQuick() }
        return try service.answer(PredictionBody(value), with: model).bytes()
    }

    private func scoring(_ model: ServedModel, _ body: UnsafeRawBufferPointer) throws -> [UInt8] {
        let request = try ScoringBody(JSONValue(parsing: Array(body), refusesRepeatedNames: true))
        try check(model, rows: request.rows.count)
        return try ScoringController(service: service).answer(request, model).bytes()
    }

    private func tensors(_ model: ServedModel, _ body: UnsafeRawBufferPointer) throws -> [UInt8] {
        let request = try InferenceBody(Array(body), headLength: nil)
        try check(model, rows: request.request.inputs.first?.shape.first ?? 1)
        guard !request.isBinary, request.outputs.allSatisfy({ $0.isBinary != true }) else { throw NotQuick() }
        return try OpenInferenceAPI.answer(request, with: model, service).head.bytes()
    }
}
