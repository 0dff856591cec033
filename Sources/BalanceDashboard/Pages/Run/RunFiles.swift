import BalanceCore

/// The files that clients stored for a run.
struct RunFiles: Sendable {
    let files: any ArtifactFiles
    let log: any RunLog

    /// The most files that a page lists.
    private static let maximum = 500

    /// The paths and sizes of all files, in the order of their paths.
    func all(of id: RunID) async throws -> [(path: String, size: Int)] {
        guard let root = try await root(of: id) else { return [] }
        var found: [(path: String, size: Int)] = []
        try await add(root, prefix: "", to: &found)
        return found
    }

    /// The key of one file.
    func key(of id: RunID, _ path: String) async throws -> ArtifactKey {
        guard let root = try await root(of: id) else {
            throw Failure(.fileNotFound, "The files of this run are in an object store.", hint: "open that store")
        }
        return try root.appending(path)
    }

    private func add(_ folder: ArtifactKey, prefix: String, to found: inout [(path: String, size: Int)]) async throws {
        for entry in try await files.list(folder) where found.count < Self.maximum {
            if let size = entry.size {
                found.append((prefix + entry.name, size))
            } else {
                try await add(folder.appending(entry.name), prefix: "\(prefix)\(entry.name)/", to: &found)
            }
        }
    }

    private func root(of id: RunID) async throws -> ArtifactKey? {
        let scheme = "mlflow-artifacts:/"
        let uri = try await log.trackedRun(id).artifactURI
        return uri.hasPrefix(scheme) ? try? ArtifactKey(String(uri.dropFirst(scheme.count))) : nil
    }
}
