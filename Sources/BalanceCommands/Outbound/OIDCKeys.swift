import BalanceCore
import BalanceSystem
import Foundation
import JWTKit

/// What a provider says of itself and its keys, remembered for an hour; an unknown key is looked for once a minute.
actor OIDCKeys {
    private var document: (value: JSONValue, at: Timestamp)?
    private var keys: (value: [JSONValue], at: Timestamp)?

    private static let age = 3_600_000
    private static let pause = 60_000
    private static let maximum = 100

    func discovery(_ fetch: @Sendable () async throws -> JSONValue) async throws -> JSONValue {
        if let document, Timestamp.now().milliseconds - document.at.milliseconds < Self.age { return document.value }
        let fresh = try await fetch()
        document = (fresh, .now())
        return fresh
    }

    /// The public key of an id that may sign by an algorithm; nil where the provider has none.
    func key(_ id: String?, _ algorithm: String, _ fetch: @Sendable () async throws -> JSONValue) async throws -> JWK? {
        let age = keys.map { Timestamp.now().milliseconds - $0.at.milliseconds } ?? .max
        if age < Self.age, let found = find(id, algorithm) { return found }
        guard age > Self.pause else { return nil }
        // Before it is fetched: others that come meanwhile do not ask too.
        keys = (keys?.value ?? [], .now())
        let fresh = try await fetch()
        keys = (Array((fresh["keys"]?.elements ?? []).prefix(Self.maximum)), .now())
        return find(id, algorithm)
    }

    private func find(_ id: String?, _ algorithm: String) -> JWK? {
        let type = algorithm.hasPrefix("E") ? (algorithm == "EdDSA" ? "OKP" : "EC") : "RSA"
        let fitting = (keys?.value ?? []).filter { key in
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
