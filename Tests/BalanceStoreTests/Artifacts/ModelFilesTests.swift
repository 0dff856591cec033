import BalanceCore
import BalanceStore
import BalanceTestSupport
import Foundation
import Testing

/// A crash is played by leaving out the steps that would have come after it.
struct ModelFilesTests {
    let folder: TemporaryFolder
    let files: FileModelFiles

    init() throws {
        folder = try TemporaryFolder()
        files = FileModelFiles(defaultPath: folder("models/current.model"))
        try folder.write("old", to: "models/current.model")
        try folder.write("new", to: "candidate")
    }

    private func row(_ digest: String?) -> CurrentModel {
        CurrentModel(
            name: defaultModelName,
            version: 1,
            runID: nil,
            path: "",
            createdAt: "",
            metricsJSON: nil,
            digest: digest,
            sourcePath: nil,
            generation: 1
        )
    }

    private func served() throws -> String { String(decoding: try folder.bytes("models/current.model"), as: UTF8.self) }

    @Test func `a candidate that is refused leaves the old file`() throws {
        let staged = try files.stage(folder("candidate"), for: defaultModelName)
        files.discard(staged, for: defaultModelName)
        #expect(try served() == "old")
        #expect(folder.names(in: "models") == ["current.model"])
    }

    @Test func `an exchange that nobody ends is seen as abandoned`() throws {
        let staged = try files.stage(folder("candidate"), for: defaultModelName)
        #expect(!files.isExchangeAbandoned(defaultModelName))
        try files.install(staged, for: defaultModelName)
        #expect(!files.isExchangeAbandoned(defaultModelName))
        let note = folder("models/current.model.promoting")
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -60)], ofItemAtPath: note)
        #expect(files.isExchangeAbandoned(defaultModelName))
    }

    @Test func `after a crash before the commit the old file is back`() throws {
        let staged = try files.stage(folder("candidate"), for: defaultModelName)
        try files.install(staged, for: defaultModelName)
        try files.repair(defaultModelName, current: row("another digest"))
        #expect(try served() == "old")
        #expect(folder.names(in: "models") == ["current.model"])
    }

    @Test func `after a crash behind the commit the new file stays`() throws {
        let staged = try files.stage(folder("candidate"), for: defaultModelName)
        try files.install(staged, for: defaultModelName)
        try files.repair(defaultModelName, current: row(staged.digest))
        #expect(try served() == "new")
        #expect(folder.names(in: "models") == ["current.model"])
    }

    @Test func `after a crash of the very first promotion no file is left`() throws {
        try FileManager.default.removeItem(atPath: folder("models/current.model"))
        let staged = try files.stage(folder("candidate"), for: defaultModelName)
        try files.install(staged, for: defaultModelName)
        try files.repair(defaultModelName, current: nil)
        #expect(folder.names(in: "models").isEmpty)
    }

    @Test func `what a crash left without a note is swept when it is old`() throws {
        for name in ["current.model.staged-1", ".current.model.promoting.1.tmp", "current.model.previous-1", "mine"] {
            try folder.write("x", to: "models/\(name)")
        }
        let past = Date(timeIntervalSinceNow: -3600)
        try FileManager.default.setAttributes(
            [.modificationDate: past],
            ofItemAtPath: folder("models/current.model.staged-1")
        )
        try files.repair(defaultModelName, current: nil)
        #expect(folder.names(in: "models") == [".current.model.promoting.1.tmp", "current.model", "mine"])
    }

    @Test func `a candidate that does not exist is named`() {
        let failure = #expect(throws: Failure.self) { try files.stage(folder("nothing"), for: defaultModelName) }
        #expect(failure?.code == .modelFileMissing)
        #expect(failure?.message == "model_path not found: \(folder("nothing"))")
    }

    @Test(arguments: ["../up", "", ".hidden", String(repeating: "x", count: 201)])
    func `a name that is no file name is refused`(name: String) {
        let failure = #expect(throws: Failure.self) { try files.currentPath(of: name) }
        #expect(failure?.code == .invalidArgument)
    }

    @Test func `a name with other signs gets a file of its own`() throws {
        #expect(try files.currentPath(of: "a b").hasSuffix("/a%20b.current.model"))
        #expect(try files.currentPath(of: "a%20b").hasSuffix("/a%2520b.current.model"))
    }
}
