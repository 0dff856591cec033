import BalanceCore
import BalanceStore
import BalanceTestSupport
import Foundation
import Testing

struct ArtifactFilesTests {
    let folder: TemporaryFolder
    let files: SQLArtifactFiles

    init() throws {
        folder = try TemporaryFolder()
        let database = try SQLiteDatabase(path: folder("test.db"))
        files = SQLArtifactFiles(database: database, root: folder.path)
    }

    private func put(_ text: String, _ key: String) async throws {
        let upload = try await files.upload(to: ArtifactKey(key))
        try Array(text.utf8).withUnsafeBytes { try upload.write($0) }
        try await upload.commit()
    }

    private func text(_ key: String) async throws -> String? {
        guard let file = try await files.open(ArtifactKey(key)) else { return nil }
        return String(decoding: try file.read(at: 0, count: file.size), as: UTF8.self)
    }

    private var blobs: [String] {
        folder.names(in: "blobs").flatMap { name in folder.names(in: "blobs/\(name)").map { "blobs/\(name)/\($0)" } }
    }

    @Test func `a file is there when it was committed and not before`() async throws {
        let upload = try await files.upload(to: ArtifactKey("1/r/artifacts/a.txt"))
        try Array("half".utf8).withUnsafeBytes { try upload.write($0) }
        #expect(try await text("1/r/artifacts/a.txt") == nil)
        upload.abort()
        try await put("whole", "1/r/artifacts/a.txt")
        #expect(try await text("1/r/artifacts/a.txt") == "whole")
        try await put("newer", "1/r/artifacts/a.txt")
        #expect(try await text("1/r/artifacts/a.txt") == "newer")
        #expect(folder.names(in: "incoming").isEmpty)
        #expect(blobs.count == 1)
    }

    @Test func `a folder is listed one level deep`() async throws {
        for key in ["1/r/artifacts/b", "1/r/artifacts/a/x", "1/r/artifacts/a/y/z"] { try await put("12345", key) }
        let entries = try await files.list(ArtifactKey("1/r/artifacts"))
        #expect(entries.map(\.name) == ["a", "b"])
        #expect(entries.map(\.size) == [nil, 5])
        #expect(try await files.list(ArtifactKey("1/r/artifacts/b")).isEmpty)
        #expect(try await files.list(ArtifactKey("nothing")).isEmpty)
        try await files.delete(ArtifactKey("1/r/artifacts/a"))
        #expect(try await files.list(ArtifactKey("1/r/artifacts")).map(\.name) == ["b"])
        try await files.delete(ArtifactKey("1/r/artifacts/a"))
    }

    @Test func `a file and a folder cannot take each other's place`() async throws {
        try await put("x", "1/r/artifacts/a/x")
        await #expect(throws: Failure.self) { try await put("y", "1/r/artifacts/a") }
        await #expect(throws: Failure.self) { try await put("y", "1/r/artifacts/a/x/y") }
        await #expect(throws: Failure.self) { try await files.open(ArtifactKey("1/r/artifacts/a")) }
        #expect(try await text("1/r/artifacts/a/x") == "x")
    }

    @Test func `identical files are one on disk and it goes with its last name`() async throws {
        for run in 1...3 { try await put("same", "1/r\(run)/artifacts/model") }
        #expect(blobs.count == 1)
        #expect(try await files.usage(of: ["1/r1", "1/r2"]) == (2, 0))
        #expect(try await files.usage(of: ["1"]) == (3, 4))
        #expect(try await files.remove(["1/r1", "1/r2"]) == 0)
        #expect(try await text("1/r3/artifacts/model") == "same")
        #expect(try await files.remove(["1/r3"]) == 4)
        #expect(blobs.isEmpty)
    }

    @Test func `damage is found before the last byte is handed out`() async throws {
        try await put("whole", "1/r/artifacts/a")
        let blob = try #require(blobs.first)
        try folder.write("wholf", to: blob)
        await #expect { try await text("1/r/artifacts/a") } throws: { ($0 as? Failure)?.code == .artifactDamaged }
        try folder.write("shorter", to: blob)
        await #expect { try await text("1/r/artifacts/a") } throws: { ($0 as? Failure)?.code == .artifactDamaged }
        try await put("whole", "1/r/artifacts/b")
        #expect(try await text("1/r/artifacts/a") == "whole")
    }

    @Test func `links and other special files lead nowhere`() async throws {
        try await put("secret", "1/r/artifacts/x")
        let blob = folder(try #require(blobs.first))
        try folder.write("secret", to: "secret")
        unlink(blob)
        try FileManager.default.createSymbolicLink(atPath: blob, withDestinationPath: folder("secret"))
        await #expect(throws: Failure.self) { try await text("1/r/artifacts/x") }
        unlink(blob)
        try FileManager.default.linkItem(atPath: folder("secret"), toPath: blob)
        await #expect(throws: Failure.self) { try await text("1/r/artifacts/x") }
        unlink(blob)
        mkfifo(blob, 0o600)
        await #expect(throws: Failure.self) { try await text("1/r/artifacts/x") }
        unlink(blob)
        await #expect(throws: Failure.self) { try await text("1/r/artifacts/x") }
    }

    @Test func `files of the former layout are taken over`() async throws {
        try folder.write("old", to: "mlflow-artifacts/1/r/artifacts/d/a.txt")
        try await files.adoptFormerFolder()
        #expect(try await text("1/r/artifacts/d/a.txt") == "old")
        #expect(!folder.names().contains("mlflow-artifacts"))
        try await files.adoptFormerFolder()
    }
}
