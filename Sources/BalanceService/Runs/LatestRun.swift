package import BalanceCore

/// The run that `_latest.json` points to, if this database has it, else the newest one.
package func latestRun(_ tracking: any TrackingStore, _ artifacts: any ArtifactStore) async throws -> RunDetail? {
    if !Visibility.isLimited, let id = artifacts.latestRunID(), let run = try await tracking.run(id) { return run }
    guard let id = try await tracking.newestRunID() else { return nil }
    return try await tracking.run(id)
}
