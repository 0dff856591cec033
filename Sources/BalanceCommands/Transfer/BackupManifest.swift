import BalanceCore
import BalanceStore
import Foundation

/// What a backup holds: written last, so that a folder with one is whole.
struct BackupManifest {
    /// A file of the backup, by its path below the folder.
    struct File {
        var path: String
        /// In bytes.
        var size: Int
        var digest: String

        var json: JSONValue {
            .object([("path", .string(path)), ("size", .int(size)), ("sha256", .string(digest))])
        }
    }

    static let name = "backup.json"
    private static let format = "balanceops-backup/1"

    var createdAt: Timestamp
    /// The number of the database's schema.
    var schema: Int
    var files: [File]
    /// The served model files, by the names of their models.
    var served: [(model: String, path: String)]

    var bytes: Int { files.reduce(0) { $0 + $1.size } }

    init(createdAt: Timestamp, schema: Int, files: [File], served: [(model: String, path: String)]) {
        self.createdAt = createdAt
        self.schema = schema
        self.files = files
        self.served = served
    }

    var json: JSONValue {
        .object([
            ("format", .string(Self.format)), ("version", .string(Build.version)),
            ("created_at", .string(createdAt.iso8601)), ("schema", .int(schema)),
            ("served", .array(served.map { .object([("model", .string($0.model)), ("path", .string($0.path))]) })),
            ("files", .array(files.map(\.json))),
        ])
    }

    /// Reads the manifest of a folder.
    ///
    /// Throws `Failure` with code `fileNotFound` for a folder that is no backup, or not a whole one.
    init(of folder: String) throws {
        guard let data = FileManager.default.contents(atPath: "\(folder)/\(Self.name)") else {
            throw Failure(
                .fileNotFound,
                "\(folder) is not a complete backup: it has no \(Self.name)",
                hint: "pass a folder that balanceops backup wrote to its end"
            )
        }
        guard let json = try? JSONValue(parsing: Array(data)), json["format"]?.string == Self.format else {
            throw Failure(
                .fileNotFound,
                "\(folder)/\(Self.name) is not the manifest of a backup that this version can read",
                hint: "use the version of balanceops that wrote it"
            )
        }
        createdAt = json["created_at"]?.string.flatMap(Timestamp.init(iso8601:)) ?? Timestamp(milliseconds: 0)
        schema = json["schema"]?.integer ?? 0
        served = (json["served"]?.elements ?? []).compactMap { entry in
            guard let model = entry["model"]?.string, let path = entry["path"]?.string else { return nil }
            return (model, path)
        }
        files = try (json["files"]?.elements ?? []).map { entry in
            guard let path = entry["path"]?.string, !path.hasPrefix("/"), !path.split(separator: "/").contains(".."),
                let size = entry["size"]?.integer, let digest = entry["sha256"]?.string
            else {
                throw Failure(.artifactDamaged, "\(folder)/\(Self.name) is damaged", hint: "use another backup")
            }
            return File(path: path, size: size, digest: digest)
        }
    }

    func write(to folder: String) throws {
        try FileSystem.writeDurably(json.bytes(pretty: true), to: "\(folder)/\(Self.name)")
    }
}
