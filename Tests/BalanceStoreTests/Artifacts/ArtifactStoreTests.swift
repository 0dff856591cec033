import BalanceCore
import BalanceStore
import BalanceTestSupport
import Testing

struct ArtifactStoreTests {
    let folder: TemporaryFolder
    let store: FileArtifactStore

    init() throws {
        folder = try TemporaryFolder()
        store = FileArtifactStore(root: folder("artifacts"))
    }

    private let manifest = RunManifest(
        id: RunID(native: "11111111-1111-4111-8111-111111111111"),
        kind: "demo",
        status: "success",
        databasePath: "data/x.db",
        metrics: [Metric("acc", 0.9)],
        createdAt: Timestamp(milliseconds: 1_771_271_208_000)
    )

    @Test func `a manifest is written with both pointers to it`() throws {
        let path = try store.writeManifest(manifest)
        let name = "20260216_194648_demo_11111111"
        #expect(path == folder("artifacts/runs/\(name)/manifest.json"))
        let content = try JSONValue(parsing: try folder.bytes("artifacts/runs/\(name)/manifest.json"))
        #expect(
            content.members?.map(\.0) == [
                "run_id", "run_dir_name", "created_at", "kind", "status", "artifacts_dir", "db_path", "metrics",
            ]
        )
        let pointer = try #require(store.pointer(of: manifest.id))
        #expect(pointer.members?.map(\.0) == ["run_id", "run_dir_name", "manifest_path", "created_at"])
        #expect(pointer["manifest_path"]?.string == path)
        #expect(store.latestRunID() == manifest.id)
    }

    @Test(arguments: ["../../secret", "a/b", "..", "", "x\u{0}y"])
    func `an id that is no file name points nowhere`(text: String) throws {
        try folder.write("{}", to: "secret.json")
        #expect(store.pointer(of: RunID(native: text)) == nil)
    }

    @Test(arguments: ["", "{", "[]", "{\"run_id\": 3}"])
    func `a damaged pointer is like none`(text: String) throws {
        try folder.write(text, to: "artifacts/runs/_latest.json")
        #expect(store.latestRunID() == nil)
    }

    @Test func `a failed write leaves the old file and no temporary one`() throws {
        try FileSystem.write([1, 2, 3], to: folder("x/file"))
        try folder.write("", to: "blocked")
        #expect(throws: Failure.self) { try FileSystem.write([9], to: folder("blocked/file")) }
        #expect(folder.names(in: "x") == ["file"])
        #expect(try folder.bytes("x/file") == [1, 2, 3])
    }
}
