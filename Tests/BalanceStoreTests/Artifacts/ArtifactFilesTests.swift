import BalanceCore
import BalanceStore
import BalanceTestSupport
import Foundation
import Testing

struct ArtifactFilesTests {
    let folder: TemporaryFolder
    let files: FolderArtifactFiles

    init() throws {
        folder = try TemporaryFolder()
        files = FolderArtifactFiles(root: folder.path)
    }

    private func put(_ text: String, _ key: String) throws {
        let upload = try files.upload(to: ArtifactKey(key))
        try Array(text.utf8).withUnsafeBytes { try upload.write($0) }
        try upload.commit()
    }

    private func text(_ key: String) throws -> String? {
        guard let file = try files.open(ArtifactKey(key)) else { return nil }
        return String(decoding: try file.read(at: 0, count: file.size), as: UTF8.self)
    }

    @Test func `a file is there when it was committed and not before`() throws {
        let upload = try files.upload(to: ArtifactKey("1/r/artifacts/a.txt"))
        try Array("half".utf8).withUnsafeBytes { try upload.write($0) }
        #expect(try text("1/r/artifacts/a.txt") == nil)
        upload.abort()
        try put("whole", "1/r/artifacts/a.txt")
        #expect(try text("1/r/artifacts/a.txt") == "whole")
        try put("newer", "1/r/artifacts/a.txt")
        #expect(try text("1/r/artifacts/a.txt") == "newer")
        #expect(folder.names(in: "incoming").count <= 1)
    }

    @Test func `a folder is listed one level deep`() throws {
        for key in ["1/r/artifacts/b", "1/r/artifacts/a/x", "1/r/artifacts/a/y/z"] { try put("12345", key) }
        let entries = try files.list(ArtifactKey("1/r/artifacts"))
        #expect(entries.map(\.name) == ["a", "b"])
        #expect(entries.map(\.size) == [nil, 5])
        #expect(try files.list(ArtifactKey("1/r/artifacts/b")).isEmpty)
        #expect(try files.list(ArtifactKey("nothing")).isEmpty)
        try files.delete(ArtifactKey("1/r/artifacts/a"))
        #expect(try files.list(ArtifactKey("1/r/artifacts")).map(\.name) == ["b"])
        try files.delete(ArtifactKey("1/r/artifacts/a"))
    }

    @Test func `a file and a folder cannot take each other's place`() throws {
        try put("x", "1/r/artifacts/a/x")
        #expect(throws: Failure.self) { try put("y", "1/r/artifacts/a") }
        #expect(throws: Failure.self) { try put("y", "1/r/artifacts/a/x/y") }
        #expect(throws: Failure.self) { try files.open(ArtifactKey("1/r/artifacts/a")) }
        #expect(try text("1/r/artifacts/a/x") == "x")
    }

    @Test func `links and other special files lead nowhere`() throws {
        try put("x", "1/r/artifacts/x")
        try folder.write("secret", to: "secret")
        let base = folder("mlflow-artifacts/1/r/artifacts")
        try FileManager.default.createSymbolicLink(atPath: "\(base)/link", withDestinationPath: folder("secret"))
        try FileManager.default.createSymbolicLink(atPath: "\(base)/up", withDestinationPath: folder.path)
        try FileManager.default.linkItem(atPath: folder("secret"), toPath: "\(base)/hard")
        mkfifo("\(base)/pipe", 0o600)
        for key in ["link", "up/secret", "hard", "pipe"] {
            #expect(try text("1/r/artifacts/\(key)") == nil, "\(key)")
        }
        #expect(throws: Failure.self) { try put("evil", "1/r/artifacts/up/secret") }
        try files.delete(ArtifactKey("1/r/artifacts/up"))
        #expect(try String(contentsOfFile: folder("secret"), encoding: .utf8) == "secret")
    }
}
