package import BalanceCore
import ServiceLifecycle
import Synchronization

/// Serves the models of all names, each with a host of its own that follows its registry row and file.
package final class ModelHosts: ModelDirectory, Service {
    /// Makes the host of a name.
    package typealias MakeHost = @Sendable (String) -> ModelHost

    private struct State {
        var hosts: [String: ModelHost] = [:]
        /// Versions that were asked for by number, the newest last.
        var versions: [(key: String, model: ServedModel)] = []
        /// The names that were taken out of service.
        var unloaded: Set<String> = []
    }

    private let registry: any ModelRegistry
    private let files: VersionFiles
    private let makeHost: MakeHost
    private let state: Mutex<State>

    /// How many names and versions are kept in memory.
    private static let maximumHosts = 200
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
        state = Mutex(State(hosts: hosts))
        self.registry = registry
        self.files = files
        self.makeHost = makeHost
    }

    package func loaded(_ name: String) -> ServedModel? {
        state.withLock { !$0.unloaded.isEmpty && $0.unloaded.contains(name) ? nil : $0.hosts[name] }?.loaded()
    }

    package func load(_ name: String) async throws {
        state.withLock { state in
            state.unloaded.remove(name)
            state.versions.removeAll { $0.model.name == name }
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
            state.unloaded.insert(name)
            state.versions.removeAll { $0.model.name == name }
        }
    }

    package func isUnloaded(_ name: String) -> Bool { state.withLock { $0.unloaded.contains(name) } }

    private func checkIsLoaded(_ name: String) throws {
        guard isUnloaded(name) else { return }
        throw Failure(
            .modelUnloaded,
            "the model '\(name)' was unloaded",
            hint: "POST /v2/repository/models/\(name)/load brings it back"
        )
    }

    package func current(of name: String) async throws -> ServedModel {
        try checkIsLoaded(name)
        if let host = state.withLock({ $0.hosts[name] }) { return try await host.current() }
        _ = try await registry.model(name)
        let host = state.withLock { state -> ModelHost? in
            if let known = state.hosts[name] { return known }
            guard state.hosts.count < Self.maximumHosts else { return nil }
            let host = makeHost(name)
            state.hosts[name] = host
            return host
        }
        guard let host else {
            throw Failure(
                .unavailable,
                "more than \(Self.maximumHosts) models serve already",
                hint: "restart the server"
            )
        }
        return try await host.current()
    }

    package func version(_ text: String, of name: String) async throws -> ServedModel {
        try checkIsLoaded(name)
        let version: ModelVersion
        if let number = Int(text) {
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
        let key = "\(version.version)/\(version.createdAt.milliseconds)/\(name)"
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
                for host in self.state.withLock({ Array($0.hosts.values) }) { await host.follow() }
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}
