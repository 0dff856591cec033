import BalanceCore

extension MLflowFields {
    /// What a request is about, by the fields that MLflow's API names things with; the path is where the endpoint stands, as
    /// `runs/log-metric`.
    func references(below path: String) throws -> [ObjectReference] {
        var found: [ObjectReference] = []
        for name in ["run_id", "run_uuid"] { found += try list(name).map(ObjectReference.run) }
        found += try list("run_ids").map(ObjectReference.run)
        for name in ["experiment_id", "experiment_ids"] { found += try list(name).map(ObjectReference.experiment) }
        if let id = try text("model_id"), !id.isEmpty, !path.contains("model-versions") {
            found.append(.loggedModel(id))
        }
        for metric in path == "runs/log-batch" ? try objects("metrics") : [] {
            if let id = try metric.text("model_id"), !id.isEmpty { found.append(.loggedModel(id)) }
        }
        if path == "runs/create", try value("experiment_id") == nil { found.append(.experiment("0")) }
        if let name = try text("experiment_name") { found.append(.experimentNamed(name)) }
        let isModel = path.contains("registered-models") || path.contains("model-versions")
        let isExperiment = path.hasPrefix("experiments/")
        for field in ["name", "new_name"] where isModel || isExperiment {
            guard let name = try text(field) else { continue }
            found.append(isModel ? .model(name) : .experimentNamed(name))
        }
        // A version's own model comes first: its run is only where it came from.
        return isModel ? found.filter { if case .model = $0 { true } else { false } } : found
    }

    /// What a version or a run is made from: whoever names it must be able to see it.
    var origins: [ObjectReference] {
        get throws {
            var found: [ObjectReference] = []
            if try value("source") != nil || value("version") != nil {
                if let run = try text("run_id"), !run.isEmpty { found.append(.run(run)) }
                if let id = try text("model_id"), !id.isEmpty { found.append(.loggedModel(id)) }
                if let source = try text("source") { found += Self.origin(source) }
            }
            for model in try objects("models") {
                if let id = try model.text("model_id") { found.append(.loggedModel(id)) }
            }
            return found
        }
    }

    private static func origin(_ source: String) -> [ObjectReference] {
        switch try? VersionSource(source) {
        case .run(let id, _): [.run(id.native)]
        case .loggedModel(let id): [.loggedModel(id)]
        case .version(let name, _), .alias(let name, _): [.model(name)]
        case .artifacts(let key): [.experiment(String(key.text.prefix { $0 != "/" }))]
        case .objectStore, nil: []
        }
    }

    /// A field that holds one text or several.
    private func list(_ name: String) throws -> [String] {
        guard let value = try value(name) else { return [] }
        return value.elements == nil ? try text(name).map { [$0] } ?? [] : try texts(name)
    }
}
