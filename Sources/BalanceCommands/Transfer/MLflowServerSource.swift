import AsyncHTTPClient
import BalanceCore
import Foundation
import NIOCore
import NIOHTTP1

/// A running MLflow server, read through its REST API.
struct MLflowServerSource: TransferSource {
    private let base: String

    init(url: String) throws {
        base = url.hasSuffix("/") ? String(url.dropLast()) : url
        try APIClient(baseURL: base).check()
    }

    func runCount() async throws -> Int { 0 }

    func read(into importer: Importer) async throws {
        let experiments = try await all(
            "experiments/search",
            "experiments",
            ["max_results": .int(1000), "view_type": "ALL"]
        )
        for experiment in experiments { try await self.experiment(experiment, importer) }
        for experiment in experiments {
            let body: [(String, JSONValue)] = [
                ("experiment_ids", .array([experiment["experiment_id"] ?? ""])), ("run_view_type", "ALL"),
                ("max_results", .int(1000)), ("order_by", .strings(["attributes.start_time ASC"])),
            ]
            for run in try await all("runs/search", "runs", body) { try await self.run(run, importer) }
        }
        try await loggedModels(experiments, importer)
        try await registry(importer)
    }

    // MARK: - Records

    private func experiment(_ json: JSONValue, _ importer: Importer) async throws {
        let id = json["experiment_id"]?.string ?? ""
        var record = TransferRecord.ExperimentRecord(id: id, name: json["name"]?.string ?? id)
        record.location = LocalFiles.objectStore(json["artifact_location"]?.string)
        record.isDeleted = json["lifecycle_stage"]?.string == "deleted"
        record.createdAt = json.time("creation_time")
        record.updatedAt = json.time("last_update_time")
        record.tags = json.pairs("tags")
        try await importer.experiment(record)
    }

    private func run(_ json: JSONValue, _ importer: Importer) async throws {
        guard let info = json["info"], let id = info["run_id"]?.string else { return }
        var run = TransferRecord.RunRecord(id: id, experiment: info["experiment_id"]?.string ?? "0")
        run.name = info["run_name"]?.string
        run.userID = info["user_id"]?.string
        run.status = info["status"]?.string ?? RunStatus.finished.rawValue
        run.startedAt = info.time("start_time")
        run.endedAt = info["end_time"].flatMap { $0.integer ?? $0.string.flatMap { Int($0) } }
        run.isDeleted = info["lifecycle_stage"]?.string == "deleted"
        run.deletedAt = run.isDeleted ? run.endedAt ?? run.startedAt : nil
        run.params = json["data"]?.pairs("params") ?? []
        run.tags = json["data"]?.pairs("tags") ?? []
        run.inputs = (json["inputs"]?["dataset_inputs"]?.elements ?? []).compactMap(Self.dataset)
        // A search leaves the models that a run used out.
        let whole = try await get("runs/get", [("run_id", id)])
        run.modelInputs = (whole["run"]?["inputs"]?["model_inputs"]?.elements ?? []).compactMap {
            $0["model_id"]?.string
        }
        run.outputs = (json["outputs"]?["model_outputs"]?.elements ?? []).compactMap { output in
            output["model_id"]?.string.map { .init(model: $0, step: output["step"]?.integer ?? 0) }
        }
        try await importer.run(run)
        guard await importer.wants(id) else { return }
        for metric in json["data"]?["metrics"]?.elements ?? [] {
            try await points(of: metric["key"]?.string ?? "", id, importer)
        }
        try await bring(info["artifact_uri"]?.string ?? "", .run, id, importer)
    }

    private func points(of key: String, _ run: String, _ importer: Importer) async throws {
        var token: String?
        repeat {
            var query = [("run_id", run), ("metric_key", key), ("max_results", "25000")]
            if let token { query.append(("page_token", token)) }
            let answer = try await get("metrics/get-history", query)
            await importer.points((answer["metrics"]?.elements ?? []).map { Self.point($0).point })
            token = answer["next_page_token"]?.string
        } while token?.isEmpty == false
    }

    private static func point(_ json: JSONValue) -> TransferRecord.PointRecord {
        var point = TransferRecord.PointRecord(
            MetricPoint(
                key: json["key"]?.string ?? "",
                value: json.double("value"),
                timestamp: Timestamp(milliseconds: json.time("timestamp")),
                step: json.time("step")
            )
        )
        point.run = json["run_id"]?.string
        point.dataset = json["dataset_name"]?.string
        point.digest = json["dataset_digest"]?.string
        return point
    }

    private static func dataset(_ json: JSONValue) -> TransferRecord.DatasetRecord? {
        guard let dataset = json["dataset"] else { return nil }
        return .init(
            DatasetInput(
                name: dataset["name"]?.string ?? "",
                digest: dataset["digest"]?.string ?? "",
                sourceType: dataset["source_type"]?.string ?? "",
                source: dataset["source"]?.string ?? "",
                schema: dataset["schema"]?.string,
                profile: dataset["profile"]?.string,
                tags: json.pairs("tags").map { KeyValue(key: $0.key, value: $0.value) }
            )
        )
    }

    private func loggedModels(_ experiments: [JSONValue], _ importer: Importer) async throws {
        for experiment in experiments {
            let body: [(String, JSONValue)] = [
                ("experiment_ids", .array([experiment["experiment_id"] ?? ""])), ("max_results", .int(50)),
            ]
            let found: [JSONValue]
            do {
                found = try await all("logged-models/search", "models", body)
            } catch let failure as Failure where failure.code == .resourceNotFound {
                // A server of before MLflow 3 has none.
                return
            }
            for json in found { try await loggedModel(json, importer) }
        }
    }

    private func loggedModel(_ json: JSONValue, _ importer: Importer) async throws {
        guard let info = json["info"], let id = info["model_id"]?.string else { return }
        var model = TransferRecord.LoggedModelRecord(
            id: id,
            experiment: info["experiment_id"]?.string ?? "0",
            name: info["name"]?.string ?? id
        )
        model.modelType = info["model_type"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        model.sourceRun = info["source_run_id"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        model.status = (LoggedModel.Status.allCases.first { $0.name == info["status"]?.string } ?? .ready).rawValue
        model.createdAt = info.time("creation_timestamp_ms")
        model.updatedAt = info.time("last_updated_timestamp_ms")
        model.tags = info.pairs("tags")
        model.params = json["data"]?.pairs("params") ?? []
        model.metrics = (json["data"]?["metrics"]?.elements ?? []).map(Self.point)
        try await importer.loggedModel(model)
        try await bring(info["artifact_uri"]?.string ?? "", .loggedModel, id, importer)
    }

    private func registry(_ importer: Importer) async throws {
        var aliases: [TransferRecord.AliasRecord] = []
        for json in try await allByQuery("registered-models/search", "registered_models", [("max_results", "100")]) {
            guard let name = json["name"]?.string else { continue }
            var model = TransferRecord.ModelRecord(name: name)
            model.description = json["description"]?.string
            model.createdAt = json.time("creation_timestamp")
            model.updatedAt = json.time("last_updated_timestamp")
            model.tags = json.pairs("tags")
            try await importer.model(model)
            aliases += (json["aliases"]?.elements ?? []).compactMap { alias in
                guard let text = alias["alias"]?.string, let number = alias["version"]?.string.flatMap({ Int($0) })
                else { return nil }
                return .init(name: name, alias: text, version: number)
            }
        }
        let query = [("max_results", "1000"), ("order_by", "version_number ASC")]
        for json in try await allByQuery("model-versions/search", "model_versions", query) {
            guard let version = Self.version(json) else { continue }
            try await importer.version(version)
            if json["current_stage"]?.string == "Production" {
                aliases.append(.init(name: version.name, alias: currentAlias, version: version.version))
            }
        }
        for alias in aliases { try await importer.alias(alias) }
    }

    private static func version(_ json: JSONValue) -> TransferRecord.VersionRecord? {
        guard let name = json["name"]?.string, let number = json["version"]?.string.flatMap({ Int($0) }) else {
            return nil
        }
        var version = TransferRecord.VersionRecord(name: name, version: number)
        version.createdAt = json.time("creation_timestamp")
        version.updatedAt = json.time("last_updated_timestamp")
        version.description = json["description"]?.string
        version.stage = (json["current_stage"]?.string.flatMap { VersionStage(mlflow: $0) } ?? .candidate).rawValue
        version.source = json["source"]?.string
        version.run = json["run_id"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        version.runLink = json["run_link"]?.string
        version.loggedModel = version.source?.dropPrefix("models:/").flatMap { $0.hasPrefix("m-") ? $0 : nil }
        version.tags = json.pairs("tags")
        return version
    }

    // MARK: - Files

    private func bring(
        _ uri: String,
        _ owner: TransferRecord.StoredFileRecord.Owner,
        _ id: String,
        _ importer: Importer
    ) async throws {
        guard await importer.wants(id) else { return }
        let place = MLflowArtifactPlace(base: base, uri: uri, owner: owner, id: id)
        do {
            try await bring("", place, importer)
        } catch let failure as Failure where !place.isProxied {
            // What such a server reads from a store of its own may be gone there, or need a credential that it lacks.
            await importer.skip("artifacts of \(id) at \(uri)", failure.message)
        }
    }

    private func bring(_ folder: String, _ place: MLflowArtifactPlace, _ importer: Importer) async throws {
        for entry in try await json("GET", place.list(folder))["files"]?.elements ?? [] {
            guard let name = entry["path"]?.string else { continue }
            let below = place.isProxied && !folder.isEmpty ? "\(folder)/\(name)" : name
            guard place.isProxied || below.isBelow(folder) else {
                throw Failure(.unavailable, "the server returned an invalid path '\(below)' in folder '\(folder)'")
            }
            if entry["is_dir"]?.boolean == true {
                try await bring(below, place, importer)
                continue
            }
            try await importer.file(.init(owner: place.owner, id: place.id, path: below)) { upload in
                let response = try await Self.send(HTTPClientRequest(url: place.file(below)))
                for try await buffer in response.body {
                    try buffer.withUnsafeReadableBytes { try upload.write($0) }
                }
            }
        }
    }

    // MARK: - Requests

    /// All pages of a search that takes a body.
    private func all(_ path: String, _ name: String, _ body: [(String, JSONValue)]) async throws -> [JSONValue] {
        var items: [JSONValue] = []
        var token: String?
        repeat {
            let page = token.map { body + [("page_token", .string($0))] } ?? body
            let answer = try await json("POST", "\(base)/api/2.0/mlflow/\(path)", .object(page))
            items += answer[name]?.elements ?? []
            token = answer["next_page_token"]?.string
        } while token?.isEmpty == false
        return items
    }

    private func all(
        _ path: String,
        _ name: String,
        _ body: KeyValuePairs<String, JSONValue>
    ) async throws -> [JSONValue] {
        try await all(path, name, body.map { ($0.key, $0.value) })
    }

    /// All pages of a search that takes a query.
    private func allByQuery(_ path: String, _ name: String, _ query: [(String, String)]) async throws -> [JSONValue] {
        var items: [JSONValue] = []
        var token: String?
        repeat {
            let answer = try await get(path, token.map { query + [("page_token", $0)] } ?? query)
            items += answer[name]?.elements ?? []
            token = answer["next_page_token"]?.string
        } while token?.isEmpty == false
        return items
    }

    private func get(_ path: String, _ query: [(String, String)]) async throws -> JSONValue {
        let text = query.map { "\($0.0)=\(MLflowArtifactPlace.encoded($0.1))" }.joined(separator: "&")
        return try await json("GET", "\(base)/api/2.0/mlflow/\(path)?\(text)")
    }

    private func json(_ method: String, _ url: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        var request = HTTPClientRequest(url: url)
        request.method = .init(rawValue: method)
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body.bytes()))
        }
        let response = try await Self.send(request)
        let buffer = try await response.body.collect(upTo: 1 << 30)
        return try JSONValue(parsing: Array(buffer.readableBytesView), allowsNonFinite: true)
    }

    private static func send(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        let response: HTTPClientResponse
        do {
            response = try await APIClient.http.execute(request, timeout: .minutes(30))
        } catch {
            throw Failure(.unavailable, "cannot reach \(request.url)", hint: "check --from", cause: error)
        }
        if (200..<300).contains(Int(response.status.code)) { return response }
        let code: Failure.Code = response.status == .notFound ? .resourceNotFound : .unavailable
        let said = try? await response.body.collect(upTo: 1 << 20)
        let message = said.flatMap { try? JSONValue(parsing: Array($0.readableBytesView)) }?["message"]?.string
        throw Failure(
            code,
            "\(request.url) answered HTTP \(response.status.code)" + (message.map { ": \($0.prefix(500))" } ?? ""),
            hint: "check --from"
        )
    }
}

extension String {
    /// Whether this path lies below a folder, at any depth; everything lies below the empty one.
    fileprivate func isBelow(_ folder: String) -> Bool {
        folder.isEmpty ? !isEmpty : utf8.count > folder.utf8.count + 1 && hasPrefix(folder + "/")
    }
}

extension JSONValue {
    /// The pairs of a list of objects with key and value.
    fileprivate func pairs(_ name: String) -> [TransferRecord.Pair] {
        (self[name]?.elements ?? []).compactMap { pair in
            pair["key"]?.string.map { .init($0, pair["value"]?.string ?? "") }
        }
    }

    /// A 64-bit number, also where it is a text; 0 where it is absent.
    fileprivate func time(_ name: String) -> Int {
        self[name]?.integer ?? self[name]?.string.flatMap { Int($0) } ?? 0
    }

    /// A number, or one of the texts for those that JSON does not have; MLflow answers the largest number for infinity.
    fileprivate func double(_ name: String) -> Double {
        let value = self[name]?.anyNumber ?? .nan
        if value == .greatestFiniteMagnitude { return .infinity }
        return value == -.greatestFiniteMagnitude ? -.infinity : value
    }
}
