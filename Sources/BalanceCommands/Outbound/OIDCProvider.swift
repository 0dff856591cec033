import AsyncHTTPClient
import BalanceCore
import BalanceService
import BalanceSystem
import Crypto
import Foundation
import JWTKit
import NIOCore
import NIOHTTP1

/// Sign-in at an OpenID Connect provider: the authorisation code flow with PKCE (OpenID Connect Core 1.0, 3.1; RFC 7636).
struct OIDCProvider: IdentityProvider {
    private let issuer: String
    private let client: String
    private let secret: String?
    private let scopes: String
    private let groupsClaim: String
    private let roles: [(group: String, grant: Grant)]
    private let keys = OIDCKeys()

    /// The most that an answer of the provider may hold, in bytes.
    private static let maximumAnswer = 256 << 10

    /// The provider that the settings name; nil: none.
    ///
    /// - Throws: `Failure` with code `invalidArgument`.
    init?(_ settings: Settings) throws {
        issuer = settings[.oidcIssuer].text
        guard !issuer.isEmpty else { return nil }
        client = settings[.oidcClient].text
        guard !client.isEmpty else {
            throw Failure(.invalidArgument, "single sign-on needs a client ID", hint: "set BALANCEOPS_OIDC_CLIENT_ID")
        }
        try Self.checkURL(issuer)
        let path = settings[.oidcSecretFile].text
        secret = try path.isEmpty ? nil : Self.secret(in: path)
        scopes = settings[.oidcScopes].text
        groupsClaim = settings[.oidcGroupsClaim].text
        roles = try settings[.oidcRoles].text.split(separator: ",").map { try Self.role(String($0)) }
    }

    private static func secret(in path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure(
                .invalidArgument,
                "cannot read the client secret in \(path)",
                hint: "set BALANCEOPS_OIDC_SECRET_FILE to a file that the server can read"
            )
        }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// `GROUP=ROLE` or `GROUP=ROLE@SCOPE`.
    private static func role(_ text: String) throws -> (group: String, grant: Grant) {
        let halves = text.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
        guard halves.count == 2 else {
            throw Failure(
                .invalidArgument,
                "invalid role '\(text)' of a group",
                hint: "use GROUP=ROLE or GROUP=ROLE@SCOPE"
            )
        }
        let parts = halves[1].split(separator: "@", maxSplits: 1).map(String.init)
        let scope = try parts.count == 2 ? AccessScope(parts[1]) : .everything
        return (halves[0], Grant(role: try Role(named: parts.first ?? ""), scope: scope))
    }

    /// Without TLS only on this machine, for tests.
    private static func checkURL(_ text: String) throws {
        let parts = URLComponents(string: text)
        let isLocal = ["127.0.0.1", "localhost", "[::1]", "::1"].contains(parts?.host ?? "")
        guard parts?.host?.isEmpty == false, parts?.scheme == "https" || parts?.scheme == "http" && isLocal else {
            throw Failure(.invalidArgument, "invalid URL '\(text)' of the sign-in provider", hint: "use an https URL")
        }
    }

    func authorizationURL(redirect: String, secrets: SignInSecrets) async throws -> String {
        let place = try await discovery().authorization
        let challenge = Secret.text(of: Array(SHA256.hash(data: Data(secrets.verifier.utf8))))
        let query = [
            ("response_type", "code"), ("client_id", client), ("redirect_uri", redirect), ("scope", scopes),
            ("state", secrets.state), ("nonce", secrets.nonce), ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ]
        return place + (place.contains("?") ? "&" : "?") + Self.form(query)
    }

    func identity(code: String, redirect: String, secrets: SignInSecrets) async throws -> ProvidedIdentity {
        let place = try await discovery()
        var fields = [
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect), ("client_id", client),
            ("code_verifier", secrets.verifier),
        ]
        if let secret { fields.append(("client_secret", secret)) }
        let answer = try await ask("POST", place.token, body: Self.form(fields))
        guard let token = answer["id_token"]?.string, token.utf8.count <= 64 << 10 else {
            throw Self.refusal("the provider sent no identity")
        }
        let claims = try await verified(token, place)
        return try identity(claims, nonce: secrets.nonce)
    }

    // MARK: - The provider's documents

    private func discovery() async throws -> OIDCDiscovery {
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        return try await keys.discovery {
            try described(await ask("GET", "\(base)/.well-known/openid-configuration"))
        }
    }

    /// What a document says, where it is one of this provider.
    private func described(_ document: JSONValue) throws -> OIDCDiscovery {
        guard document["issuer"]?.string == issuer, let authorization = document["authorization_endpoint"]?.string,
            let token = document["token_endpoint"]?.string, let keys = document["jwks_uri"]?.string,
            [authorization, token, keys].allSatisfy({ (try? Self.checkURL($0)) != nil })
        else {
            throw Failure(
                .unavailable,
                "the sign-in provider \(issuer) does not describe itself as OpenID Connect asks"
            )
        }
        return OIDCDiscovery(authorization: authorization, token: token, keys: keys)
    }

    /// No redirect is followed: what a provider says of itself is where it is.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(10))
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    private func ask(_ method: String, _ url: String, body: String? = nil) async throws -> JSONValue {
        var request = HTTPClientRequest(url: url)
        request.method = .init(rawValue: method)
        request.headers.add(name: "Accept", value: "application/json")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
            request.body = .bytes(ByteBuffer(string: body))
        }
        do {
            let response = try await Self.http.execute(request, timeout: .seconds(10))
            let bytes = try await response.body.collect(upTo: Self.maximumAnswer)
            guard (200..<300).contains(response.status.code) else {
                throw Self.refusal("the provider answered \(response.status.code)")
            }
            return try JSONValue(parsing: Array(bytes.readableBytesView))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(
                .unavailable,
                "the sign-in provider \(issuer) cannot be asked",
                hint: "try again, or sign in with a password",
                cause: error
            )
        }
    }

    // MARK: - The identity

    /// Those of an identity token whose signature holds.
    private func verified(_ token: String, _ place: OIDCDiscovery) async throws -> JSONValue {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let header = Self.decoded(parts[0]), let algorithm = header["alg"]?.string,
            Self.algorithms.contains(algorithm)
        else { throw Self.refusal("its identity is not signed as is asked for") }
        let key = try await keys.key(header["kid"]?.string, algorithm) { try await ask("GET", place.keys) }
        guard let key else { throw Self.refusal("its identity is signed with a key that the provider does not have") }
        do {
            let collection = try await JWTKeyCollection().add(jwk: key)
            _ = try await collection.verify(token, as: AnyClaims.self)
        } catch {
            throw Self.refusal("the signature of its identity does not hold")
        }
        guard let claims = Self.decoded(parts[1]) else { throw Self.refusal("its identity cannot be read") }
        return claims
    }

    /// With public keys alone: who knows the provider's public key must not be able to sign.
    private static let algorithms: Set<String> = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    ]

    /// How far clocks may be apart, in seconds.
    private static let leeway = 60.0

    private func identity(_ claims: JSONValue, nonce: String) throws -> ProvidedIdentity {
        let audiences = claims["aud"]?.strings ?? claims["aud"]?.string.map { [$0] } ?? []
        let now = Double(Timestamp.now().milliseconds) / 1000
        guard claims["iss"]?.string == issuer else { throw Self.refusal("its identity is of another issuer") }
        guard audiences.contains(client), audiences.count == 1 || claims["azp"]?.string == client else {
            throw Self.refusal("its identity is meant for another client")
        }
        guard let ends = claims["exp"]?.number, ends + Self.leeway > now,
            claims["iat"]?.number ?? 0 < now + Self.leeway,
            claims["nbf"]?.number ?? 0 < now + Self.leeway
        else { throw Self.refusal("its identity has expired") }
        guard let found = claims["nonce"]?.string, ByteText.isSame(found, nonce) else {
            throw Self.refusal("its identity belongs to another sign-in")
        }
        guard let subject = claims["sub"]?.string, !subject.isEmpty, subject.utf8.count <= 255 else {
            throw Self.refusal("its identity names nobody")
        }
        let groups = Set(claims[groupsClaim]?.strings ?? claims[groupsClaim]?.string.map { [$0] } ?? [])
        return ProvidedIdentity(
            issuer: issuer,
            subject: subject,
            name: Self.name(claims, subject),
            displayName: claims["name"]?.string.map { String($0.oneLine.prefix(100)) },
            grants: roles.filter { groups.contains($0.group) }.map(\.grant)
        )
    }

    /// What the account is to be called, in the letters that names of accounts have.
    private static func name(_ claims: JSONValue, _ subject: String) -> String {
        let wanted = claims["preferred_username"]?.string ?? claims["email"]?.string ?? subject
        let plain = String(
            wanted.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber || "._@-".contains($0)) ? $0 : "-" }
        )
        let name = String(plain.drop { !$0.isLetter && !$0.isNumber }.prefix(55))
        return (try? AccountName.checked(name)) ?? "user-\(ContentHash.of(Array(subject.utf8)).prefix(12))"
    }

    private static func refusal(_ reason: String) -> Failure {
        Failure(.unauthenticated, "the sign-in failed: \(reason)", hint: "sign in again")
    }

    // MARK: - Texts

    /// The JSON in a part of a token.
    private static func decoded(_ part: String) -> JSONValue? {
        var text = part.replacing("-", with: "+").replacing("_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        return Data(base64Encoded: text).flatMap { try? JSONValue(parsing: Array($0)) }
    }

    private static func form(_ fields: [(String, String)]) -> String {
        fields.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
    }
}

/// Only the signature is judged by the library; the claims are checked above.
private struct AnyClaims: JWTPayload {
    func verify(using algorithm: some JWTAlgorithm) async throws {}
}
