import BalanceSystem
import BalanceService
import BalanceAPI
import BalanceCore
import BalanceInference
import BalanceNet
import BalanceStore
import Foundation

/// The paths whose instructions bench/check.sh counts: `BalanceBench count NAME TIMES`.
enum HotPaths {
    static let names = ["predict", "predict-token", "forest", "log-metric"]

    static func run(_ name: String, times: Int) throws {
        switch name {
        case "predict": try predict(times, token: nil)
        case "predict-token": try predict(times, token: AccessToken(random: Array(repeating: 7, count: 44)))
        case "forest": try forest(times)
        case "log-metric": try logMetric(times)
        default: throw Failure(.invalidArgument, "no such path: '\(name)'", hint: names.joined(separator: ", "))
        }
    }

    /// A whole request for a prediction, from its bytes to the answer's; with a token where accounts are on.
    private static func predict(_ times: Int, token: AccessToken?) throws {
        let file = LinearModelFile(
            modelType: "Pipeline",
            featureNames: (0..<8).map { "f\($0)" },
            mean: [Double](repeating: 0.5, count: 8),
            scale: [Double](repeating: 2, count: 8),
            weights: [Double](repeating: 0.25, count: 8),
            intercept: 0.1,
            classes: ["0", "1"],
            clip: 0,
            training: .null
        )
        let directory = OneModel(
            model: ServedModel(predictor: file.predictor, name: defaultModelName, version: 1, runID: nil, path: "")
        )
        let registry = try registry()
        let service = ModelService(
            directory: directory,
            registry: registry,
            store: registry,
            statistics: InferenceStatistics(),
            runner: AtOnce()
        )
        let answers = QuickAnswers(directory: directory, service: service, hosts: AllowedHosts([]))
        let body = "{\"features\":[0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8]}"
        let proof = token.map { "Authorization: Bearer \($0.text)\r\n" } ?? ""
        let head = "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\(proof)"
        let request = Array((head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body).utf8)
        let models = LoopModels(directory)
        var caller = LaneCaller(LaneCallers(OneToken(token)))
        for _ in 0..<times {
            guard answers.answer(wire: request, models, from: &caller) != nil else {
                throw Failure(.internalError, "the fast lane left it")
            }
        }
    }

    /// One row through a hundred trees of 31 leaves, read from LightGBM's text.
    private static func forest(_ times: Int) throws {
        // A child that is negative is a leaf, counted from -1.
        func child(_ place: Int) -> Int { place < 31 ? place : 30 - place }
        func line(_ name: String, _ count: Int, _ value: (Int) -> String) -> String {
            name + "=" + (0..<count).map(value).joined(separator: " ") + "\n"
        }
        var tree = "num_leaves=32\nnum_cat=0\n"
        tree += line("split_feature", 31) { String($0 % 8) }
        tree += line("threshold", 31) { String(Double($0 % 5) / 5 - 0.3) }
        tree += line("decision_type", 31) { _ in "2" }
        tree += line("left_child", 31) { String(child(2 * $0 + 1)) }
        tree += line("right_child", 31) { String(child(2 * $0 + 2)) }
        tree += line("leaf_value", 32) { String(Double($0) / 320) }
        var text = "tree\nversion=v4\nnum_tree_per_iteration=1\nmax_feature_idx=7\nobjective=binary sigmoid:1\n\n"
        for index in 0..<100 { text += "Tree=\(index)\n\(tree)\n\n" }
        let model = try ModelFormats().predictor(from: Array((text + "end of trees\n").utf8)).predictor
        for index in 0..<times {
            let row = (0..<8).map { Double((index * 7 + $0 * 3) % 11) / 11 - 0.5 }
            guard try model.outputs(row).count == 2 else { throw Failure(.internalError, "no answer") }
        }
    }

    /// A metric of a run, from the store's call to the commit.
    private static func logMetric(_ times: Int) throws {
        let (store, _) = try stores()
        try BalanceBench.waitFor { try await log(times, to: store) }
    }

    private static func log(_ times: Int, to store: SQLTrackingStore) async throws {
        let id = RunID()
        _ = try await store.createRun(
            RunStart(
                id: id,
                experimentID: 0,
                name: "bench",
                userID: "",
                startedAt: Timestamp(milliseconds: 1),
                tags: []
            )
        )
        for index in 0..<times {
            let point = MetricPoint(key: "m", value: 0.5, timestamp: Timestamp(milliseconds: 1), step: index)
            try await store.log(LogBatch(metrics: [point]), to: id)
        }
    }

    private static func stores() throws -> (SQLTrackingStore, SQLRegistryStore) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)").path
        let database = try SQLiteDatabase(path: "\(folder)/bench.db")
        return (SQLTrackingStore(database: database), SQLRegistryStore(database: database, key: nil))
    }

    private static func registry() throws -> SQLRegistryStore { try stores().1 }
}

/// A directory that holds one model.
private struct OneModel: ModelDirectory {
    let model: ServedModel
    let changes: UInt64 = 0

    func current(of name: String) async throws -> ServedModel { model }
    func version(_ text: String, of name: String) async throws -> ServedModel { model }
    func loaded(_ name: String) -> ServedModel? { model }
    func load(_ name: String) async throws {}
    func unload(_ name: String) async throws {}
    func problem(of name: String) async -> String? { nil }
    func isUnloaded(_ name: String) -> Bool { false }
}

/// Runs what it is given on the caller's thread.
private struct AtOnce: PredictionRunner {
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value { try body() }
}

/// Knows one token, or asks nobody.
private struct OneToken: Authenticator {
    let isOn: Bool
    let changes: UInt64 = 1
    let table: AccessTable

    init(_ token: AccessToken?) {
        isOn = token != nil
        let moment = Timestamp(milliseconds: 0)
        let grants = [Grant(role: .serving, scope: .everything)]
        let account = Account(id: "a", name: "shop", kind: .service, createdAt: moment, grants: grants)
        let records = token.map { token in
            TokenRecord(
                id: token.id,
                accountID: "a",
                note: "",
                digest: token.digest,
                limit: TokenLimit(),
                createdAt: moment,
                expiresAt: nil
            )
        }
        table = AccessTable(revision: 1, accounts: [account], tokens: records.map { [$0] } ?? [])
    }

    func principal(_ credential: Credential, from address: String) async throws -> Principal { .unchecked }
    func noteUse(of tokenID: String) {}
    func noteRefusal(_ permission: Permission, of subject: String, by actor: Actor) async {}
}
