/// Removes for good what was deleted.
package protocol Trash: Sendable {
    /// Removes deleted runs, experiments and logged models with their rows and files, and says what went.
    ///
    /// What was not deleted, and what a registered version is made from, is kept. A dry run changes nothing.
    ///
    /// - Throws: `Failure` with code `resourceNotFound`, or `invalidParameter` for something that is named and not deleted.
    func purge(_ request: PurgeRequest, by actor: Actor) async throws -> PurgeReport
}

/// What is to be removed for good.
package struct PurgeRequest: Sendable {
    /// Only these runs; with ``experimentIDs`` empty too: all that is deleted.
    package var runIDs: [RunID]
    package var experimentIDs: [Int]
    /// Only what was deleted before this moment.
    package var before: Timestamp?
    package var isDryRun: Bool

    package init(
        runIDs: [RunID] = [],
        experimentIDs: [Int] = [],
        before: Timestamp? = nil,
        isDryRun: Bool = false
    ) {
        self.runIDs = runIDs
        self.experimentIDs = experimentIDs
        self.before = before
        self.isDryRun = isDryRun
    }
}

/// What was removed for good, or would be.
package struct PurgeReport: Sendable {
    /// Something that is kept, and why.
    package struct Kept: Sendable {
        package var what: String
        package var reason: String

        package init(what: String, reason: String) {
            self.what = what
            self.reason = reason
        }
    }

    package var isDryRun: Bool
    package var experiments: [(id: Int, name: String)] = []
    package var runs: [RunID] = []
    package var loggedModels: [String] = []
    package var files = 0
    /// What the disk has back.
    package var bytes = 0
    package var kept: [Kept] = []

    package init(isDryRun: Bool) { self.isDryRun = isDryRun }

    package var json: JSONValue {
        .object([
            ("dry_run", .bool(isDryRun)),
            (
                "experiments",
                .array(
                    experiments.map { .object([("experiment_id", .string("\($0.id)")), ("name", .string($0.name))]) }
                )
            ), ("runs", .strings(runs.map(\.native))), ("logged_models", .strings(loggedModels)),
            ("files", .int(files)), ("bytes", .int(bytes)),
            ("kept", .array(kept.map { .object([("what", .string($0.what)), ("reason", .string($0.reason))]) })),
        ])
    }
}
