package import BalanceCore
import Foundation

/// Run folders, pointer files and candidates below one root folder.
package struct FileArtifactStore: ArtifactStore {
    package let root: String

    package init(root: String) { self.root = root }

    package func writeManifest(_ manifest: RunManifest) throws -> String {
        let name = manifest.directoryName
        let directory = "\(root)/runs/\(name)"
        let path = "\(directory)/manifest.json"
        let createdAt = JSONValue.string(manifest.createdAt.iso8601)
        let id = JSONValue.string(manifest.id.native)
        let content = JSONValue.object([
            ("run_id", id), ("run_dir_name", .string(name)), ("created_at", createdAt),
            ("kind", .string(manifest.kind)), ("status", .string(manifest.status)),
            ("artifacts_dir", .string(directory)), ("db_path", .string(manifest.databasePath)),
            ("metrics", manifest.metrics.json),
        ])
        let pointer = JSONValue.object([
            ("run_id", id), ("run_dir_name", .string(name)), ("manifest_path", .string(path)),
            ("created_at", createdAt),
        ])
        try FileSystem.write(content.bytes(pretty: true), to: path)
        try FileSystem.write(pointer.bytes(pretty: true), to: "\(root)/runs/_by_id/\(manifest.id.native).json")
        try FileSystem.write(pointer.bytes(pretty: true), to: "\(root)/runs/_latest.json")
        return path
    }

    package func pointer(of id: RunID) -> JSONValue? {
        guard FileSystem.isFileName(id.native) else { return nil }
        return readJSON("\(root)/runs/_by_id/\(id.native).json")
    }

    package func latestRunID() -> RunID? {
        readJSON("\(root)/runs/_latest.json")?["run_id"]?.string.map { RunID(native: $0) }
    }

    package func writeCandidate(
        _ id: RunID,
        kind: String,
        fileExtension: String,
        bytes: [UInt8]
    ) throws -> String {
        let path = "\(root)/models/candidates/\(id.native)_\(kind).\(fileExtension)"
        try FileSystem.write(bytes, to: path)
        return path
    }

    package func writeRunFile(_ directoryName: String, _ name: String, bytes: [UInt8]) throws -> String {
        let path = "\(root)/runs/\(directoryName)/\(name)"
        try FileSystem.write(bytes, to: path)
        return path
    }

    package func resolve(_ path: String) -> String? {
        if FileSystem.size(of: path) != nil { return path }
        let below = "\(root)/\(path)"
        if !path.hasPrefix("/"), FileSystem.size(of: below) != nil { return below }
        // The folder was moved, or restored elsewhere: what it holds is where it was within it.
        for part in ["/models/candidates/", "/runs/"] {
            guard let range = path.range(of: part, options: .backwards) else { continue }
            let moved = root + path[range.lowerBound...]
            if !moved.contains("/../"), FileSystem.size(of: moved) != nil { return moved }
        }
        return nil
    }

    /// The value in a small JSON file, or nil where it is missing, damaged or over 1 MiB.
    private func readJSON(_ path: String) -> JSONValue? {
        guard let size = FileSystem.size(of: path), size <= 1 << 20,
            let data = FileManager.default.contents(atPath: path)
        else { return nil }
        return try? JSONValue(parsing: Array(data))
    }
}

extension FileArtifactStore {
    /// The files below the root that a run left outside the artifact store, with their sizes.
    func files(of run: DeletedRun) -> [(path: String, size: Int)] {
        var paths = run.candidates.compactMap(resolve)
        if let name = run.directoryName, FileSystem.isFileName(name) {
            let folder = "\(root)/runs/\(name)"
            let names = (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
            paths += names.map { "\(folder)/\($0)" }
        }
        if FileSystem.isFileName(run.id.native) { paths.append("\(root)/runs/_by_id/\(run.id.native).json") }
        return paths.compactMap { path in
            guard isBelowRoot(path), let size = FileSystem.size(of: path) else { return nil }
            return (path, size)
        }
    }

    /// Removes those files and returns how many bytes they had.
    func removeFiles(of run: DeletedRun) -> Int {
        let files = files(of: run)
        for file in files { unlink(file.path) }
        if let name = run.directoryName, FileSystem.isFileName(name) {
            try? FileManager.default.removeItem(atPath: "\(root)/runs/\(name)")
        }
        return files.reduce(0) { $0 + $1.size }
    }

    private func isBelowRoot(_ path: String) -> Bool {
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        return real.hasPrefix(URL(fileURLWithPath: root).resolvingSymlinksInPath().path + "/")
    }
}
