import Foundation

/// Where a version's files are, as a client may say it.
///
/// A source is a reference by id, or the text that the server itself gave out for that run or logged model; or an object
/// store's location, which is kept as a text and never opened.
package enum VersionSource: Sendable, Equatable {
    /// `runs:/RUN/path`; an empty path stands for all artifacts of the run.
    case run(RunID, path: String)
    /// `models:/m-…`
    case loggedModel(String)
    /// `models:/name/version`
    case version(name: String, version: Int)
    /// `models:/name@alias`
    case alias(name: String, alias: String)
    /// `mlflow-artifacts:/path`, or the same through the proxy's address.
    case artifacts(ArtifactKey)
    /// A location that only clients open.
    case objectStore

    private static let stores = ["s3", "gs", "abfss", "wasbs", "hdfs", "dbfs"]
    /// How the locations of object stores begin.
    package static let storePrefixes = stores.map { $0 == "dbfs" ? "dbfs:/" : "\($0)://" }

    /// Whether a location is one of an object store, which clients use without the server.
    package static func isObjectStore(_ uri: String) -> Bool {
        let uri = uri.lowercased()
        return storePrefixes.contains { uri.hasPrefix($0) }
    }

    /// - Throws: `Failure` with code `invalidParameter`.
    package init(_ text: String) throws {
        guard text.utf8.count <= 2048, text.isOneLine,
            !Self.climbs(text), let colon = text.firstIndex(of: ":")
        else { throw Self.invalid(text, Self.localPaths) }
        let scheme = text[..<colon].lowercased()
        let rest = String(text[text.index(after: colon)...])
        switch scheme {
        case "runs": self = try Self.run(rest, text)
        case "models": self = try Self.model(rest, text)
        case "mlflow-artifacts": self = try Self.artifacts(rest, text)
        case "http", "https":
            let marker = "/mlflow-artifacts/artifacts/"
            guard let start = rest.range(of: marker) else { throw Self.invalid(text, Self.foreign) }
            self = try Self.artifacts("/" + rest[start.upperBound...], text)
        case let store where Self.stores.contains(store): self = .objectStore
        default: throw Self.invalid(text, scheme == "file" ? Self.localPaths : Self.foreign)
        }
    }

    package static func invalid(_ text: String, _ reason: String) -> Failure {
        Failure(.invalidParameter, "Invalid model version source: '\(text.prefix(500))'. \(reason)")
    }

    package static let notContained =
        "The run_id request parameter, or model_id for a logged model, must identify the resource that contains the source."
    private static let localPaths =
        "The server does not open local paths; use a run (runs:/RUN/path), a logged model (models:/m-…) or an artifact."
    private static let foreign = "Unsupported URI scheme."

    private static func run(_ rest: String, _ text: String) throws -> VersionSource {
        let path = try key(rest, text).segments
        return .run(RunID(native: path[0]), path: path.dropFirst().joined(separator: "/"))
    }

    private static func model(_ rest: String, _ text: String) throws -> VersionSource {
        let parts = try key(rest, text).segments
        if parts.count == 1, parts[0].hasPrefix("m-") { return .loggedModel(parts[0]) }
        if parts.count == 2, let version = Int(parts[1]) { return .version(name: parts[0], version: version) }
        let halves = parts.count == 1 ? parts[0].split(separator: "@", omittingEmptySubsequences: false) : []
        if halves.count == 2 { return .alias(name: String(halves[0]), alias: String(halves[1])) }
        throw invalid(text, "It is not the URI of a logged model or a version.")
    }

    private static func artifacts(_ rest: String, _ text: String) throws -> VersionSource {
        .artifacts(try key(rest, text))
    }

    /// The path behind a scheme; an authority (`//host`) is refused.
    private static func key(_ rest: String, _ text: String) throws -> ArtifactKey {
        guard rest.hasPrefix("/"), !rest.hasPrefix("//"), let key = try? ArtifactKey(String(rest.dropFirst())) else {
            throw invalid(text, "It is not a normalized path.")
        }
        return key
    }

    /// Whether a text has a `..` segment, however often it is percent-encoded.
    private static func climbs(_ text: String) -> Bool {
        var bytes = Array(text.utf8)
        for _ in 0..<8 {
            if bytes.split(whereSeparator: { "/\\?#;".utf8.contains($0) }).contains(where: { $0 == [0x2E, 0x2E] }) {
                return true
            }
            let decoded = percentDecoded(bytes)
            if decoded == bytes { return bytes.contains(0) }
            bytes = decoded
        }
        return true
    }

    private static func percentDecoded(_ bytes: [UInt8]) -> [UInt8] {
        var decoded: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let byte = UInt8(String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                decoded.append(byte)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return decoded
    }
}
