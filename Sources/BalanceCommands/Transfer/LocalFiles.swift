import BalanceCore
import BalanceStore
import Foundation

/// Finds and reads the files of an MLflow store on this machine's disk.
struct LocalFiles: Sendable {
    /// The folder that relative locations are below.
    var base: String
    /// Where the old server kept what clients sent through it.
    var proxied: String

    /// The folder that a location stands for, or nil where it is elsewhere.
    func folder(_ uri: String) -> String? {
        if let path = uri.dropPrefix("mlflow-artifacts:") {
            let path = path.drop { $0 == "/" }
            return "\(proxied)/\(path)"
        }
        if let path = uri.dropPrefix("file:") {
            let path = path.hasPrefix("//") ? String(path.dropFirst(2).drop { $0 != "/" }) : path
            return path.removingPercentEncoding ?? path
        }
        if uri.hasPrefix("/") { return uri }
        return uri.contains(":") ? nil : "\(base)/\(uri)"
    }

    /// Hands all files of a folder to an importer.
    static func bring(
        _ folder: String,
        of owner: TransferRecord.StoredFileRecord.Owner,
        _ id: String,
        to importer: Importer
    ) async throws {
        guard await importer.wants(id) else { return }
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: folder))?.sorted() ?? []
        for name in names {
            let path = "\(folder)/\(name)"
            let type = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
            if type == .typeDirectory { continue }
            guard type == .typeRegular else {
                await importer.skip("artifact \(name) of \(id)", "not a regular file")
                continue
            }
            try await importer.file(.init(owner: owner, id: id, path: name)) { try send(path, to: $0) }
        }
    }

    /// Writes a file's bytes into an upload.
    static func send(_ path: String, to upload: any ArtifactUpload) throws {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Failure(.fileNotFound, "cannot read \(path)", hint: "check its permissions")
        }
        defer { try? file.close() }
        while let data = try file.read(upToCount: 1 << 20), !data.isEmpty {
            try data.withUnsafeBytes { try upload.write($0) }
        }
    }

    /// An object store that clients use without the server, or nil.
    static func objectStore(_ uri: String?) -> String? {
        uri.flatMap { VersionSource.isObjectStore($0) ? $0 : nil }
    }
}

extension String {
    /// What follows a prefix, or nil.
    func dropPrefix(_ prefix: String) -> String? { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil }
}
