import BalanceSystem
package import BalanceCore
import Synchronization

/// Publishes the current model of one name and follows the registry and the file without a restart.
///
/// A request looks at the published snapshot and at the file's signature, never at the database;
/// ``ModelHosts`` has it look at the registry's row ten times a second. A file that cannot be loaded leaves the last good model serving.
package final class ModelHost: ModelProvider {
    private let name: String
    private let loader: ModelLoader
    private let state = Mutex(State())

    private struct State {
        var published = Published()
        /// What serves, beside the rest so that a request takes hold of nothing else.
        var served: ServedModel?
        /// When its file was last seen unchanged, on the clock ``Monotonic``.
        var seenAt: UInt64 = 0
    }

    /// For how long, in nanoseconds, a file that was looked at is taken for unchanged; an event loop remembers it for as long again.
    ///
    /// A promotion exchanges the file before it commits and answers, which takes longer: what comes after its answer sees it.
    /// Under load it saves nine of ten looks.
    private static let fileCheckInterval: UInt64 = 50_000

    package init(
        name: String = defaultModelName,
        registry: any RegistryStore,
        artifacts: any ArtifactStore,
        files: any ModelFiles,
        reader: any ModelReader,
        defaultPath: String
    ) {
        self.name = name
        let locations = ModelLocations(artifacts: artifacts, defaultPath: defaultPath)
        loader = ModelLoader(name: name, registry: registry, files: files, reader: reader, locations: locations)
    }

    /// The published model, where its file is still the one that it was loaded from.
    func loaded() -> ServedModel? {
        let now = Monotonic.now()
        let (served, published) = state.withLock { state -> (ServedModel?, Published?) in
            now &- state.seenAt < Self.fileCheckInterval ? (state.served, nil) : (nil, state.published)
        }
        guard let published else { return served }
        guard let served = published.served, !published.isExchanging, published.isUnchanged else { return nil }
        state.withLock { state in
            guard state.published.sequence == published.sequence else { return }
            state.served = served
            state.seenAt = now
        }
        return served
    }

    package func current() async throws -> ServedModel {
        if let served = loaded() { return served }
        let fresh = await refresh()
        if let served = fresh.served { return served }
        if let failure = fresh.failure { throw failure }
        if let row = fresh.row, let problem = row.problem {
            throw Failure(
                .noCurrentModel,
                "version \(row.version) of '\(row.name)' is current but cannot be served: \(problem)",
                hint: "promote a version that can be served: balanceops promote \(row.name) VERSION --reason WHY"
            )
        }
        throw Failure(
            .noCurrentModel,
            "No current model promoted yet.",
            hint: name == defaultModelName
                ? "Run scripts/train_dummy.sh (or: balanceops train-dummy) to promote one."
                : "balanceops promote \(name) VERSION promotes one; balanceops models list shows the versions."
        )
    }

    package func problem() async -> String? {
        state.withLock { $0.published.failure.map { $0.details?["message"]?.string ?? $0.message } }
    }

    /// Looks at the registry where the alias moved, the file changed, or a failure may have ended.
    func follow(_ pointer: CurrentPointer?) async {
        let published = state.withLock { $0.published }
        let isSame = published.row.map(CurrentPointer.init) == pointer
        if isSame, published.isUnchanged, !published.mayRecover { return }
        _ = await refresh()
    }

    private func refresh() async -> Published {
        let fresh = await loader.load()
        state.withLock { state in
            // Another request may have loaded something newer while this one waited for the loader.
            guard fresh.sequence >= state.published.sequence else { return }
            state.published = fresh
            state.served = nil
            state.seenAt = 0
        }
        return fresh
    }
}

/// What serves now, and what it was loaded from.
struct Published: Sendable {
    var sequence = 0
    var served: ServedModel?
    var row: CurrentModel?
    /// Where the row's file is, or should be.
    var path = ""
    /// The file's state when it was last tried, whether it could be loaded or not; nil: there was none.
    var signature: FileSignature?
    /// Why the row's own file does not serve.
    var failure: Failure?
    /// Whether an exchange of the file goes on: its row may change without another change of the file.
    var isExchanging = false

    var isUnchanged: Bool { FileSignature(path: path) == signature }

    /// Whether the failure may end without a change of the file: its owner, its permissions, too many open files.
    var mayRecover: Bool {
        if isExchanging { return true }
        guard let type = failure?.details?["type"]?.string else { return failure != nil }
        return ![Failure.Code.modelNotReadable, .artifactDamaged].map(\.rawValue).contains(type)
    }
}

/// Where the file of a registry row is looked for.
struct ModelLocations: Sendable {
    let artifacts: any ArtifactStore
    let defaultPath: String

    /// The first that exists: the row's path, the same below the artifact root, the configured path, and a
    /// `current.joblib` beside it that the original left.
    func path(of row: CurrentModel) -> String? {
        // The version cannot be executed; a file that another one left must not answer for it.
        if row.path.isEmpty { return nil }
        if let path = artifacts.resolve(row.path) { return path }
        let folder = defaultPath.lastIndex(of: "/").map { defaultPath[...$0] } ?? ""
        return [defaultPath, "\(folder)current.joblib"].first { FileSignature(path: $0) != nil }
    }
}
