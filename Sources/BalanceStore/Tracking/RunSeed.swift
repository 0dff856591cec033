package import BalanceCore

/// Fills a database with made-up runs, for measurements: the same seed makes the same runs.
package struct RunSeed: Sendable {
    /// How much is made.
    package struct Size: Sendable {
        package var runs: Int
        package var metrics: Int
        package var params: Int
        /// The points of one run's metric `curve`; 0: no such run.
        package var points: Int

        package init(runs: Int, metrics: Int, params: Int, points: Int) {
            self.runs = runs
            self.metrics = metrics
            self.params = params
            self.points = points
        }
    }

    private let database: any SQLDatabase
    private let seed: UInt64

    package init(database: any SQLDatabase, seed: UInt64) {
        self.database = database
        self.seed = seed
    }

    /// Makes the runs in an experiment of their own and says after each thousand how many there are.
    ///
    /// - Returns: The experiment, and the run with the long history.
    package func fill(_ size: Size, progress: @escaping @Sendable (Int) -> Void) async throws -> (Int, RunID?) {
        let experiment = try await experiment()
        for start in stride(from: 0, to: size.runs, by: 1000) {
            let range = start..<min(start + 1000, size.runs)
            try await database.write { try addRuns(range, of: size, experiment, $0) }
            progress(range.upperBound)
        }
        guard size.points > 0 else { return (experiment, nil) }
        let long = id(size.runs)
        try await database.write { try addRun(size.runs, long, experiment, $0) }
        for start in stride(from: 0, to: size.points, by: 100_000) {
            let range = start..<min(start + 100_000, size.points)
            try await database.write { connection in
                let points = range.map {
                    MetricPoint(key: "curve", value: 1 / Double($0 + 1), timestamp: moment($0), step: $0)
                }
                try RunRows.insert(points, of: long.stored, connection)
            }
        }
        return (experiment, long)
    }

    private func experiment() async throws -> Int {
        let name = "bench-\(seed)"
        return try await database.write { connection in
            let rows = try connection.rows(
                "INSERT INTO experiment (experiment_id, name, created_at_ms, updated_at_ms) "
                    + "SELECT COALESCE(MAX(experiment_id), 0) + 1, ?, 0, 0 FROM experiment RETURNING experiment_id",
                [.text(name)]
            )
            let number = rows.first?.integer(0) ?? 0
            try connection.execute(
                "UPDATE counter SET last = MAX(last, ?) WHERE name = 'experiment'",
                [.integer(number)]
            )
            return number
        }
    }

    private func addRuns(_ range: Range<Int>, of size: Size, _ experiment: Int, _ connection: any SQLConnection) throws
    {
        for index in range {
            let id = id(index)
            try addRun(index, id, experiment, connection)
            let metrics = (0..<size.metrics).map { number in
                MetricPoint(key: "metric_\(number)", value: share(index, number), timestamp: moment(index), step: 1)
            }
            let row = try RunRows.sequence(of: id.stored, connection)
            try RunRows.insert(metrics, ofRow: row, connection)
            try connection.execute(
                "INSERT INTO param (run_seq, key, value) VALUES (?, ?, ?)",
                each: (0..<size.params).map { number in
                    [.integer(row), .text("param_\(number)"), .text(String(index * (number + 3) % 97))]
                }
            )
        }
    }

    private func addRun(_ index: Int, _ id: RunID, _ experiment: Int, _ connection: any SQLConnection) throws {
        let at = moment(index)
        try connection.execute(
            "INSERT INTO run (run_id, experiment_id, name, status, created_at, start_time_ms, end_time_ms, user_id) "
                + "VALUES (?, ?, ?, 'FINISHED', ?, ?, ?, 'bench')",
            [
                .text(id.stored), .integer(experiment), .text("run-\(index)"), .text(at.iso8601),
                .integer(at.milliseconds), .integer(at.milliseconds + 60_000),
            ]
        )
    }

    private func moment(_ index: Int) -> Timestamp { Timestamp(milliseconds: 1_700_000_000_000 + index * 1000) }

    /// A number between 0 and 1 that depends on nothing but the seed and the places.
    private func share(_ index: Int, _ number: Int) -> Double {
        Double(mixed(UInt64(index) &* 64 &+ UInt64(number)) >> 11) * 0x1p-53
    }

    private func mixed(_ value: UInt64) -> UInt64 {
        var word = (value &+ seed) &* 0x9E37_79B9_7F4A_7C15
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    private func id(_ index: Int) -> RunID {
        let words = [mixed(UInt64(index) << 1 | 1), mixed(UInt64(index) << 1 | 1 << 40)]
        let text = words.map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        return RunID(stored: text.joined())
    }
}
