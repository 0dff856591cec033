import BalanceCore
import BalanceSystem
import Foundation
import JWTKit

/// Where a provider signs people in.
struct OIDCDiscovery: Sendable {
    var authorization: String
    var token: String
    var keys: String
}

/// What a provider says of itself and its keys, remembered for an hour; an unknown key is looked for once a minute.
actor OIDCKeys {
    private var document: (value: OIDCDiscovery, at: Timestamp)?
    private var keys: [JSONValue] = []
    private var keysAt: Timestamp?
    private var askedAt: Timestamp?
    /// The question that is on its way: those who come meanwhile wait for its answer.
    private var fetching: Task<[JSONValue], any Error>?

    private static let age = 3_600_000
    private static let pause = 60_000
    private static let maximum = 100

    func discovery(_ fetch: @Sendable () async throws -> OIDCDiscovery) async throws -> OIDCDiscovery {
        if let document, Self.age(of: document.at) < Self.age { return document.value }
        let fresh = try await fetch()
        document = (fresh, .now())
        return fresh
    }

    /// The public key of an id that may sign by an algorithm; nil where the provider has none.
    func key(
        _ id: String?,
        _ algorithm: String,
        _ fetch: @escaping @Sendable () async throws -> JSONValue
    ) async throws -> JWK? {
        if Self.age(of: keysAt) < Self.age, let found = find(id, algorithm) { return found }
        if fetching == nil {
            guard Self.age(of: askedAt) > Self.pause else { return nil }
            askedAt = .now()
            fetching = Task { Array((try await fetch()["keys"]?.elements ?? []).prefix(Self.maximum)) }
        }
        guard let running = fetching else { return nil }
        do {
            keys = try await running.value
            keysAt = .now()
            fetching = nil
        } catch {
            // It may answer the next one.
            fetching = nil
            askedAt = nil
            throw error
        }
        return find(id, algorithm)
    }

    private static func age(of moment: Timestamp?) -> Int {
        moment.map { Timestamp.now().milliseconds - $0.milliseconds } ?? .max
    }

    private func find(_ id: String?, _ algorithm: String) -> JWK? {
        let type = algorithm.hasPrefix("E") ? (algorithm == "EdDSA" ? "OKP" : "EC") : "RSA"
        let fitting = keys.filter { key in
            key["kty"]?.string == type && key["use"]?.string != "enc" && key["alg"]?.string ?? algorithm == algorithm
                && (id == nil || key["kid"]?.string == id)
        }
        // Without an id there must be no choice.
        guard fitting.count == 1 || id != nil, let key = fitting.first else { return nil }
        let others = (key.members ?? []).filter { !["alg", "kid"].contains($0.0) }
        let whole = JSONValue.object(others + [("alg", .string(algorithm)), ("kid", .string(id ?? "only"))])
        return try? JSONDecoder().decode(JWK.self, from: Data(whole.bytes()))
    }
}
