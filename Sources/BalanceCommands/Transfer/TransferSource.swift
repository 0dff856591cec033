import BalanceCore

/// Something to import from.
protocol TransferSource: Sendable {
    /// How many runs it has, for the progress.
    func runCount() async throws -> Int
    /// Hands everything to an importer, in the order of an export.
    func read(into importer: Importer) async throws
}

/// What became of an import.
struct TransferReport: Sendable {
    struct Skipped: Sendable {
        var what: String
        var reason: String
    }

    var experiments = 0
    var runs = 0
    /// Runs that were here already.
    var known = 0
    var points = 0
    var artifacts = 0
    var bytes = 0
    var loggedModels = 0
    var models = 0
    var versions = 0
    var aliases = 0
    var skipped: [Skipped] = []

    var json: JSONValue {
        .object([
            ("experiments", .int(experiments)), ("runs", .int(runs)), ("known_runs", .int(known)),
            ("metric_points", .int(points)), ("artifacts", .int(artifacts)), ("bytes", .int(bytes)),
            ("logged_models", .int(loggedModels)), ("registered_models", .int(models)),
            ("model_versions", .int(versions)), ("aliases", .int(aliases)),
            (
                "skipped",
                .array(skipped.map { .object([("what", .string($0.what)), ("reason", .string($0.reason))]) })
            ),
        ])
    }
}
