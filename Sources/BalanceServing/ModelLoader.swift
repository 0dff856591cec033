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
        let row: CurrentModel?
        do {
            if files.isExchangeAbandoned(name) { try await finishExchange() }
            row = try await registry.currentModel(named: name)
        } catch {
            // The database is out of reach; what serves goes on serving, and what never loaded says why.
            var same = last
            if same.served == nil { same.failure = .from(error) }
            same.sequence += 1
            same.row = nil
            return same
        }
        var fresh = look(at: row)
        guard fresh.signature != nil else { return fresh }
        let isSame = fresh.row == last.row && fresh.path == last.path && fresh.signature == last.signature
        if isSame, !last.mayRecover { return last }
        // The file may be there before its row, or the row before its file: what no promotion is in the middle of, counts.
        if !isSame, let settled = try? await settled() { fresh = settled }
        for _ in 0..<3 {
            guard let row = fresh.row, fresh.signature != nil else { return fresh }
            do {
                fresh.served = try served(row, fresh.path)
            } catch {
                fresh.failure = Self.describe(error)
                fresh.served = stillServing(row) ?? fallback(row)
            }
            // The next promotion may have come while the file was read.
            guard FileSignature(path: fresh.path) != fresh.signature, let settled = try? await settled() else { break }
            fresh = settled
        }
        return fresh
    }

    /// The file of a row and its state.
    private func look(at row: CurrentModel?) -> Published {
        var fresh = Published(sequence: last.sequence + 1, row: row)
        guard let row, let path = locations.path(of: row) else { return fresh }
        fresh.path = path
        fresh.signature = FileSignature(path: path)
        return fresh
    }

    /// Row and file as they are while nobody promotes.
    private func settled() async throws -> Published {
        let (locations, sequence) = (self.locations, last.sequence + 1)
        let found = Mutex(Published(sequence: sequence))
        try await registry.exclusively(name) { row in
            guard let row else { return }
            found.withLock { found in
                found.row = row
                guard let path = locations.path(of: row) else { return }
                found.path = path
                found.signature = FileSignature(path: path)
            }
        }
        return found.withLock { $0 }
    }

    private func served(_ row: CurrentModel, _ path: String, _ bytes: [UInt8]? = nil) throws -> ServedModel {
        let loaded = try bytes.map { (bytes: $0, digest: row.digest ?? "") } ?? files.load(path)
        let model = try reader.predictor(from: loaded.bytes, digest: loaded.digest)
        return ServedModel(
            predictor: row.featureNames.map(model.predictor.naming) ?? model.predictor,
            name: row.name,
            version: row.version,
            runID: row.runID,
            path: path,
            format: model.format
        )
    }

    /// Ends a promotion whose process was killed in its middle.
    private func finishExchange() async throws {
        let (files, name) = (self.files, self.name)
        try await registry.exclusively(name) { try files.repair(name, current: $0) }
    }

    /// The model in memory, as long as the row did not move on to another version.
    private func stillServing(_ row: CurrentModel) -> ServedModel? {
        guard let served = last.served, served.version == row.version, served.name == row.name else { return nil }
        return served
    }

    /// The file that the version was made from, if it is still what it was.
    private func fallback(_ row: CurrentModel) -> ServedModel? {
        guard let source = row.sourcePath, let digest = row.digest, let (bytes, found) = try? files.load(source),
            found == digest
        else { return nil }
        return try? served(row, source, bytes)
    }

    private static func describe(_ error: any Error) -> Failure {
        let inner = Failure.from(error)
        return Failure(
            .currentModelLoadFailed,
            "Failed to load current model.",
            hint: "Re-promote a valid model as current.",
            details: .object([("type", .string(inner.code.rawValue)), ("message", .string(inner.message))]),
            cause: error
        )
    }
}
