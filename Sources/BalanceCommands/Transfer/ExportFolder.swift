import BalanceCore
import Crypto
import Foundation

/// A folder with `export.jsonl` and the bytes of files, named by their SHA-256, in `files`.
struct ExportFolder: TransferSource {
    let path: String

    private var lines: String { "\(path)/export.jsonl" }

    private func file(_ digest: String) -> String { "\(path)/files/\(digest)" }

    // MARK: - Writing

    /// Writes everything of a workspace; the folder must be new or empty.
    func write(_ workspace: Workspace) async throws -> (records: Int, files: Int, bytes: Int) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        guard names.isEmpty else {
            throw Failure(.invalidArgument, "\(path) is not empty", hint: "pass a new folder with --to")
        }
        try FileManager.default.createDirectory(atPath: "\(path)/files", withIntermediateDirectories: true)
        // Written under another name first, so that a folder with this file is whole.
        let unfinished = lines + ".tmp"
        guard FileManager.default.createFile(atPath: unfinished, contents: nil),
            let output = FileHandle(forWritingAtPath: unfinished)
        else {
            throw Failure(.fileNotWritable, "cannot write \(unfinished)", hint: "check the folder's permissions")
        }
        let root = workspace.settings[.artifacts].text
        let writer = LineWriter(output: output, folder: self, root: root)
        try await workspace.transfer.records { try writer.write($0) }
        try output.synchronize()
        try output.close()
        try FileManager.default.moveItem(atPath: unfinished, toPath: lines)
        return (writer.records, writer.files, writer.bytes)
    }

    /// Writes records and copies the files that they name.
    private final class LineWriter: Sendable {
        private struct Counts {
            var records = 0
            var files = 0
            var bytes = 0
        }

        private let output: FileHandle
        private let folder: ExportFolder
        private let root: String
        private let counts = Locked(Counts())

        init(output: FileHandle, folder: ExportFolder, root: String) {
            self.output = output
            self.folder = folder
            self.root = root
        }

        var records: Int { counts.value.records }
        var files: Int { counts.value.files }
        var bytes: Int { counts.value.bytes }

        func write(_ record: TransferRecord) throws {
            var record = record
            if let artifact = record.artifact {
                guard let digest = try copy(artifact) else { return }
                record.artifact?.sha256 = digest
            }
            try output.write(contentsOf: TransferCoding.encoder.encode(record) + Data("\n".utf8))
            counts.change { $0.records += 1 }
        }

        /// Copies a file's bytes; nil where it is gone.
        private func copy(_ artifact: TransferRecord.StoredFileRecord) throws -> String? {
            let source = artifact.sha256.map { "\(root)/blobs/\($0.prefix(2))/\($0)" } ?? "\(root)/\(artifact.path)"
            guard FileManager.default.fileExists(atPath: source) else {
                if artifact.sha256 == nil { return nil }
                throw Failure(
                    .artifactDamaged,
                    "The content of artifact \(artifact.path) of \(artifact.id) is missing."
                )
            }
            let digest = try TransferCoding.digest(of: source)
            if let expected = artifact.sha256, expected != digest {
                throw Failure(.artifactDamaged, "The artifact \(artifact.path) of \(artifact.id) is damaged.")
            }
            let target = folder.file(digest)
            if !FileManager.default.fileExists(atPath: target) {
                try FileManager.default.copyItem(atPath: source, toPath: target)
                let size = try FileManager.default.attributesOfItem(atPath: target)[.size] as? Int ?? 0
                counts.change { counts in
                    counts.files += 1
                    counts.bytes += size
                }
            }
            return digest
        }
    }

    // MARK: - Reading

    func runCount() async throws -> Int {
        var count = 0
        for try await line in try reader() where line.hasPrefix("{\"run\":") { count += 1 }
        return count
    }

    func read(into importer: Importer) async throws {
        var number = 0
        for try await line in try reader() {
            number += 1
            let record: TransferRecord
            do {
                record = try TransferCoding.decoder.decode(TransferRecord.self, from: Data(line.utf8))
            } catch {
                throw Failure(
                    .invalidArgument,
                    "line \(number) of \(lines) is not a valid export record",
                    hint: "export again",
                    cause: error
                )
            }
            try await hand(record, to: importer)
        }
    }

    private func reader() throws -> LineReader { try LineReader(path: lines) }

    private func hand(_ record: TransferRecord, to importer: Importer) async throws {
        if let experiment = record.experiment { try await importer.experiment(experiment) }
        if let run = record.run { try await importer.run(run) }
        if let metrics = record.metrics { await importer.points(metrics.points.map(\.point)) }
        if let model = record.loggedModel { try await importer.loggedModel(model) }
        if let model = record.model { try await importer.model(model) }
        if let version = record.version { try await importer.version(version) }
        if let alias = record.alias { try await importer.alias(alias) }
        if let artifact = record.artifact { try await hand(artifact, to: importer) }
    }

    private func hand(_ artifact: TransferRecord.StoredFileRecord, to importer: Importer) async throws {
        guard await importer.wants(artifact.id) else { return }
        let digest = artifact.sha256 ?? ""
        let isDigest =
            digest.utf8.count == 64 && digest.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        guard isDigest, FileManager.default.fileExists(atPath: file(digest)) else {
            return await importer.skip("artifact \(artifact.path) of \(artifact.id)", "content not in the export")
        }
        let path = file(digest)
        guard try TransferCoding.digest(of: path) == digest else {
            return await importer.skip(
                "artifact \(artifact.path) of \(artifact.id)",
                "content in the export is damaged"
            )
        }
        try await importer.file(artifact) { try LocalFiles.send(path, to: $0) }
    }
}

/// How records become lines, always the same way.
enum TransferCoding {
    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity",
            negativeInfinity: "-Infinity",
            nan: "NaN"
        )
        return encoder
    }

    static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity",
            negativeInfinity: "-Infinity",
            nan: "NaN"
        )
        return decoder
    }

    /// The SHA-256 of a file in hex.
    static func digest(of path: String) throws -> String {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw Failure(.fileNotFound, "cannot read \(path)", hint: "check its permissions")
        }
        defer { try? file.close() }
        var hash = SHA256()
        while let data = try file.read(upToCount: 1 << 20), !data.isEmpty { hash.update(data: data) }
        return hash.finalize().hexadecimal
    }
}
