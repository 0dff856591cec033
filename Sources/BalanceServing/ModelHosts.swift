package import BalanceService
package import BalanceCore
import ServiceLifecycle
import Synchronization

/// Serves the models of all names, each with a host of its own that follows its registry row and file.
package final class ModelHosts: ModelDirectory, Service {
    /// Makes the host of a name.
    package typealias MakeHost = @Sendable (String) -> ModelHost

    private struct State {
        var hosts: [ByteText: ModelHost] = [:]
        /// Versions that were asked for by number, the newest last.
        var versions: [(key: VersionKey, model: ServedModel)] = []
        /// The names that were taken out of service.
        var unloaded: Set<ByteText> = []
    }

    private let registry: any ModelRegistry
    private let files: VersionFiles
    private let makeHost: MakeHost
    private let state: Mutex<State>
    private let changed = Atomic<UInt64>(0)

    /// Tells the versions that are in memory apart; the digest changes where other bytes are registered.
    private struct VersionKey: Hashable {
        var name: ByteText
        var version: Int
        var digest: String?
        var createdAt: Timestamp
    }

    /// How many versions that were asked for by number are kept in memory.
    private static let maximumVersions = 16

    /// - Parameters:
    ///   - registry: The models and their versions.
    ///   - files: Reads versions that are asked for by number.
    ///   - hosts: The hosts that there are from the start.
    ///   - makeHost: Makes those of other names.
    package init(
        registry: any ModelRegistry,
        files: VersionFiles,
        hosts: [String: ModelHost] = [:],
        makeHost: @escaping MakeHost
    ) {
        state = Mutex(State(hosts: ByteText.dictionary(hosts.map { ($0.key, $0.value) })))
        self.registry = registry
        self.files = files
        self.makeHost = makeHost
    }

    package func loaded(_ name: String) -> ServedModel? {
        let key = ByteText(name)
        return state.withLock { !$0.unloaded.isEmpty && $0.unloaded.contains(key) ? nil : $0.hosts[key] }?.loaded()
    }

    package var changes: UInt64 { changed.load(ordering: .acquiring) }

    package func load(_ name: String) async throws {
        defer { changed.add(1, ordering: .acquiringAndReleasing) }
        state.withLock { state in
            state.unloaded.remove(ByteText(name))
            state.versions.removeAll { $0.key.name == ByteText(name) }
        }
        do {
            _ = try await current(of: name)
        } catch let failure as Failure where failure.code == .noCurrentModel {
            // Its versions answer all the same.
            _ = try await registry.model(name)
        }
    }

    package func unload(_ name: String) async throws {
        _ = try await registry.model(name)
        state.withLock { state in
            state.unloaded.insert(ByteText(name))
            state.versions.removeAll { $0.key.name == ByteText(name) }
        }
        changed.add(1, ordering: .acquiringAndReleasing)
    }

    package func isUnloaded(_ name: String) -> Bool { state.withLock { $0.unloaded.contains(ByteText(name)) } }

    private func checkIsLoaded(_ name: String) throws {
        guard isUnloaded(name) else { return }
        throw Failure(
            .modelUnloaded,
            "model '\(name)' is unloaded",
            hint: "POST /v2/repository/models/\(name)/load loads it"
        )
    }

    package func current(of name: String) async throws -> ServedModel {
        try checkIsLoaded(name)
        if let host = host(name) { return try await host.current() }
        _ = try await registry.model(name)
        let host = state.withLock { state in
            if let known = state.hosts[ByteText(name)] { return known }
            let host = makeHost(name)
            state.hosts[ByteText(name)] = host
            return host
        }
        return try await host.current()
    }

    package func problem(of name: String) async -> String? { await host(name)?.problem() }

    private func host(_ name: String) -> ModelHost? { state.withLock { $0.hosts[ByteText(name)] } }

    package func version(_ text: String, of name: String) async throws -> ServedModel {
        try checkIsLoaded(name)
        let version: ModelVersion
        if let number = Int(plain: text) {
            version = try await registry.version(number, of: name)
        } else {
            version = try await registry.version(alias: text, of: name)
        }
        if let reason = version.quarantine {
            throw Failure(
                .versionQuarantined,
                "version \(version.version) of '\(name)' is in quarantine: \(reason)",
                hint: "balanceops release \(name) \(version.version) --reason WHY"
            )
        }
        let key = VersionKey(
            name: ByteText(name),
            version: version.version,
            digest: version.digest,
            createdAt: version.createdAt
        )
        if let known = state.withLock({ $0.versions.last { $0.key == key }?.model }) { return known }
        let model = try await files.served(version)
        state.withLock { state in
            state.versions.append((key, model))
            if state.versions.count > Self.maximumVersions { state.versions.removeFirst() }
        }
        return model
    }

    /// Follows all hosts until the server stops.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.follow()
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// Has each host look whether something changed; one read of the registry for all of them.
    func follow() async {
        guard let pointers = try? await registry.currentPointers() else { return }
        for (name, host) in state.withLock({ $0.hosts }) { await host.follow(pointers[name]) }
    }
}
