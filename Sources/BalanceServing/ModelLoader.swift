import BalanceSystem
import BalanceCore
import Synchronization

/// Loads the current model, one load at a time.
actor ModelLoader {
    private let name: String
    private let registry: any RegistryStore
    private let files: any ModelFiles
    private let reader: any ModelReader
    private let locations: ModelLocations
    private var last = Published()
    /// Since when an exchange of the file is seen to go on.
    private var exchangeSeen: UInt64?
    /// The load that goes on, and the one that begins after it for all who came in the meantime.
    private var running: Task<Published, Never>?
    private var waiting: Task<Published, Never>?

    init(
        name: String,
        registry: any RegistryStore,
        files: any ModelFiles,
        reader: any ModelReader,
        locations: ModelLocations
    ) {
        self.name = name
        self.registry = registry
        self.files = files
        self.reader = reader
        self.locations = locations
    }

    /// What is to be published now, from a look that begins after this call: what the caller saw is not missed.
    func load() async -> Published {
        if let waiting { return await waiting.value }
        let previous = running
        let task = Task {
            _ = await previous?.value
            return await self.begin()
        }
        waiting = task
        return await task.value
    }

    private func begin() async -> Published {
        running = waiting
        waiting = nil
        last = await next()
        return last
    }

    private func next() async -> Published {
        var fresh: Published
        do {
            try await endAbandonedExchange()
            fresh = look(at: try await registry.currentModel(named: name))
        } catch {
            // The database is out of reach; what serves goes on serving, and what never loaded says why.
            var same = last
            if same.served == nil { same.failure = .from(error) }
            same.sequence += 1
            same.row = nil
            return same
        }
        let isSame = fresh.row == last.row && fresh.path == last.path && fresh.signature == last.signature
        if isSame, !last.mayRecover { return last }
        if fresh.row?.digest == nil, files.isExchanging(name), let settled = try? await settled() { fresh = settled }
        for _ in 0..<3 {
            guard let row = fresh.row, !row.path.isEmpty else { return fresh }
            do {
                fresh.isExchanging = files.isExchanging(name)
                fresh.served = try served(row, fresh.path)
                return fresh
            } catch {
                fresh.failure = Self.describe(error)
            }
            // The next promotion may have come while the file was read.
            guard let again = try? await registry.currentModel(named: name), again != row else { break }
            fresh = look(at: again)
        }
        await standIn(&fresh)
        return fresh
    }

    /// The file of a row and its state.
    private func look(at row: CurrentModel?) -> Published {
        var fresh = Published(sequence: last.sequence + 1, row: row)
        guard let row else { return fresh }
        fresh.path = locations.path(of: row) ?? row.path
        fresh.signature = FileSignature(path: fresh.path)
        return fresh
    }

    /// Row and file as they are while nobody promotes: of a row without a digest the file does not tell whose it is.
    private func settled() async throws -> Published {
        let found = Mutex<CurrentModel?>(nil)
        try await registry.exclusively(name) { row in found.withLock { $0 = row } }
        return look(at: found.withLock { $0 })
    }

    /// A file's model, where its bytes are those that were registered.
    ///
    /// - Throws: `Failure` with code `artifactDamaged` where they are not.
    private func served(_ row: CurrentModel, _ path: String) throws -> ServedModel {
        let loaded = try files.load(path)
        if let digest = row.digest, digest != loaded.digest { throw damaged(row, digest, loaded) }
        let model = try reader.predictor(from: loaded.bytes, digest: loaded.digest)
        return ServedModel(
            predictor: try model.predictor.completed(names: row.featureNames, scoringMethod: row.scoringMethod),
            name: row.name,
            version: row.version,
            runID: row.runID,
            path: path,
            format: model.format,
            digest: loaded.digest,
            columnTypes: row.columnTypes
        )
    }

    private func damaged(_ row: CurrentModel, _ digest: String, _ loaded: (bytes: [UInt8], digest: String)) -> Failure {
        var reason =
            "the served file of version \(row.version) of '\(row.name)' is not the registered file (SHA-256 "
            + "\(loaded.digest.prefix(12)), expected \(digest.prefix(12)))"
        do {
            _ = try reader.predictor(from: loaded.bytes)
        } catch {
            reason += ": \(Failure.from(error).message)"
        }
        return Failure(.artifactDamaged, reason)
    }

    // MARK: - Where the served file does not do

    /// What serves in the place of a file that does not: the same version from memory or from the file that it was
    /// registered with, else the last version before it that is whole.
    private func standIn(_ fresh: inout Published) async {
        guard let row = fresh.row else { return }
        fresh.served = stillServing(row) ?? registered(row)
        // In the middle of a promotion the new file is there before its row; nothing is wrong then.
        fresh.isExchanging = files.isExchanging(name)
        if fresh.isExchanging, fresh.served != nil {
            fresh.failure = nil
            return
        }
        // A row of the original's without a file is what the original calls no model.
        if fresh.served == nil, row.digest == nil, fresh.signature == nil { fresh.failure = nil }
        guard let failure = fresh.failure else { return }
        if fresh.served == nil { fresh.served = await earlier(row) }
        let isKnown = last.failure?.details == failure.details && last.row?.generation == row.generation
        guard !isKnown else { return }
        let reason = failure.details?["message"]?.string ?? failure.message
        try? await registry.recordDamage(of: row, serving: fresh.served?.version, reason: reason)
    }

    /// The model in memory, as long as the row did not move on to another version.
    private func stillServing(_ row: CurrentModel) -> ServedModel? {
        guard let served = last.served, served.version == row.version, row.digest == nil || served.digest == row.digest
        else { return nil }
        return served
    }

    /// The file that the version was made from, if it is still what it was.
    private func registered(_ row: CurrentModel) -> ServedModel? {
        guard row.digest != nil, let source = row.sourcePath else { return nil }
        return try? served(row, source)
    }

    /// The last version that served before and whose file is still what was registered.
    private func earlier(_ row: CurrentModel) async -> ServedModel? {
        let rows = (try? await registry.servedBefore(row)) ?? []
        return rows.lazy.compactMap(registered).first
    }

    /// Ends a promotion whose process was killed in its middle; one that goes on ends by itself.
    private func endAbandonedExchange() async throws {
        guard files.isExchanging(name) else {
            exchangeSeen = nil
            return
        }
        let seen = exchangeSeen ?? Monotonic.now()
        exchangeSeen = seen
        guard Monotonic.now() &- seen > Self.longestExchange else { return }
        let (files, name) = (self.files, self.name)
        try await registry.exclusively(name) { try files.repair(name, current: $0) }
    }

    /// In nanoseconds.
    private static let longestExchange: UInt64 = 5_000_000_000

    private static func describe(_ error: any Error) -> Failure {
        let inner = Failure.from(error)
        return Failure(
            .currentModelLoadFailed,
            "Failed to load current model.",
            hint: "Re-promote a valid model as current.",
            details: .object([
                ("type", .string(inner.code.rawValue)), ("message", .string(Failure.withoutFolders(inner.message))),
            ]),
            cause: error
        )
    }
}
