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

    private func stage(_ text: String = "new", for name: String = defaultModelName) throws -> StagedModel {
        let path = try folder.write(text, to: "candidate")
        let (bytes, digest) = try files.load(path)
        return try files.stage(bytes, digest: digest, for: name)
    }

    @Test func `an exchange that begins before another one is finished ends it`() throws {
        let first = try stage("first")
        try files.install(first, for: defaultModelName, over: nil)
        let second = try stage("second")
        try files.install(second, for: defaultModelName, over: row(first.digest))
        // The end of the first comes late and must not take the second one's note.
        files.finish(first, for: defaultModelName)
        #expect(files.isExchanging(defaultModelName))
        files.finish(second, for: defaultModelName)
        #expect(try served() == "second")
        #expect(folder.names(in: "models") == ["current.model"])
    }

    @Test func `a note of a former release is followed`() throws {
        try folder.write("older", to: "models/current.model.previous-0a1b2c3d")
        let (_, digest) = try files.load(folder("models/current.model"))
        let note = #"{"token": "0a1b2c3d", "digest": "\#(digest)", "has_previous": true}"#
        try folder.write(note, to: "models/current.model.promoting")
        #expect(files.interruptedExchanges() == [defaultModelName])
        try files.repair(defaultModelName, current: row("another digest"))
        #expect(try served() == "older")
        #expect(folder.names(in: "models") == ["current.model"])
    }

    @Test func `a candidate that is refused leaves the old file`() throws {
        let staged = try stage()
        files.discard(staged, for: defaultModelName)
        #expect(try served() == "old")
        #expect(folder.names(in: "models") == ["current.model"])
    }

    @Test(arguments: [defaultModelName, "credit", "caf\u{e9}", ".hidden", String(repeating: "長", count: 250)])
    func `an exchange that nobody ended is found by the model's name`(name: String) throws {
        #expect(!files.isExchanging(name))
        let staged = try stage(for: name)
        try files.install(staged, for: name, over: nil)
        #expect(files.isExchanging(name))
        #expect(files.interruptedExchanges() == [name])
        try files.repair(name, current: row(staged.digest))
        #expect(files.interruptedExchanges().isEmpty)
        #expect(try files.load(files.currentPath(of: name)).digest == staged.digest)
    }

    @Test func `each name has a file of its own`() throws {
        let long = String(repeating: "x", count: 250)
        let names = [
            "cafe\u{301}", "caf\u{e9}", "caf%C3%A9", "a/b", "a%2Fb", "A/b", long, long + "y", "x.y", ".x.y", "%2Ex.y",
        ]
        #expect(Set(try names.map { try files.currentPath(of: $0) }).count == names.count)
    }

    @Test func `after a crash before the commit the old file is back`() throws {
        let staged = try stage()
        try files.install(staged, for: defaultModelName, over: nil)
        try files.repair(defaultModelName, current: row("another digest"))
        #expect(try served() == "old")
        #expect(folder.names(in: "models") == ["current.model"])
    }

    @Test func `after a crash behind the commit the new file stays`() throws {
        let staged = try stage()
        try files.install(staged, for: defaultModelName, over: nil)
        try files.repair(defaultModelName, current: row(staged.digest))
        #expect(try served() == "new")
        #expect(folder.names(in: "models") == ["current.model"])
    }

    @Test func `after a crash of the very first promotion no file is left`() throws {
        try FileManager.default.removeItem(atPath: folder("models/current.model"))
        let staged = try stage()
        try files.install(staged, for: defaultModelName, over: nil)
        try files.repair(defaultModelName, current: nil)
        #expect(folder.names(in: "models").isEmpty)
    }

    @Test func `what a crash left is swept, but for what somebody is in the middle of`() throws {
        let left = [
            "current.model.staged-0a1b2c3d", ".current.model.promoting.1.tmp", "m.current.model.previous-01234567",
        ]
        for name in left + ["mine", "current.model.staged-mine"] { try folder.write("x", to: "models/\(name)") }
        let staged = try stage()
        files.sweep()
        #expect(folder.names(in: "models").count == 7)
        try withExtendedLifetime(staged) { try files.install(staged, for: defaultModelName, over: nil) }
        try files.repair(defaultModelName, current: row(staged.digest))
    }

    @Test func `what a crash left is swept at the next start`() throws {
        let left = [
            "current.model.staged-0a1b2c3d", ".current.model.promoting.1.tmp", "m.current.model.previous-01234567",
        ]
        for name in left + ["mine", "current.model.staged-mine"] { try folder.write("x", to: "models/\(name)") }
        files.sweep()
        #expect(folder.names(in: "models") == ["current.model", "current.model.staged-mine", "mine"])
    }

    @Test func `a candidate that does not exist is named`() {
        let failure = #expect(throws: Failure.self) { try files.load(folder("nothing")) }
        #expect(failure?.code == .modelFileMissing)
        #expect(failure?.message == "model_path not found: \(folder("nothing"))")
    }

    @Test func `a model without a name serves nowhere, and no name leaves the folder`() throws {
        #expect(throws: Failure.self) { try files.currentPath(of: "") }
        #expect(try files.currentPath(of: "../up").hasSuffix("/models/%2E.%2Fup.current.model"))
    }

    @Test func `a name with other signs gets a file of its own`() throws {
        #expect(try files.currentPath(of: "a b").hasSuffix("/a%20b.current.model"))
        #expect(try files.currentPath(of: "a%20b").hasSuffix("/a%2520b.current.model"))
    }
}
