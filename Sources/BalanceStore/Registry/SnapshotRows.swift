import BalanceCore

/// Takes down what a version is judged by, at the moment when it is made.
enum SnapshotRows {
    /// Contexts of data sets that a model is judged on.
    private static let judging = ["eval", "evaluation", "test", "testing", "validation", "holdout", "hold-out"]

    /// Reads the run and the logged model of a version as they are now.
    static func take(
        _ name: String,
        _ version: Int,
        metrics: [Metric],
        _ connection: any SQLConnection
    ) throws {
        let row = try connection.rows(
            "SELECT run_id, model_id, author FROM model_version WHERE name = ? AND version = ?",
            [.text(name), .integer(version)]
        ).first
        let facts = try live(run: row?.text(0), model: row?.text(1), metrics: metrics, connection)
        let author = row?.text(2) ?? facts.author
        try connection.execute(
            "UPDATE model_version SET snapshot_json = ?, author = ? WHERE name = ? AND version = ?",
            [.text(facts.json.text()), .optional(author), .text(name), .integer(version)]
        )
    }

    /// What a run says of the model that it made.
    static func live(
        run: String?,
        model: String?,
        metrics: [Metric],
        _ connection: any SQLConnection
    ) throws -> VersionFacts {
        var facts = VersionFacts(version: nil, runID: run.map(RunID.init(stored:)), digest: nil, metrics: metrics)
        if let model { facts.datasetMetrics = try datasetMetrics(model, connection) }
        guard let run else { return facts }
        facts.author = try connection.rows("SELECT user_id FROM run WHERE run_id = ?", [.text(run)]).first?.text(0)
        if facts.author?.isEmpty == true { facts.author = nil }
        try addDataset(of: run, &facts, connection)
        facts.evaluatedAt = try connection.rows(
            "SELECT COALESCE((SELECT MAX(timestamp_ms) FROM latest_metric WHERE run_seq = r.seq), r.end_time_ms, "
                + "r.start_time_ms) FROM run r WHERE r.run_id = ?",
            [.text(run)]
        ).first?.integer(0).map(Timestamp.init(milliseconds:))
        return facts
    }

    private static func datasetMetrics(
        _ model: String,
        _ connection: any SQLConnection
    ) throws -> [VersionFacts.DatasetMetric] {
        try connection.rows(
            "SELECT key, value, is_nan, dataset_name, dataset_digest FROM logged_model_metric "
                + "WHERE model_id = ? AND dataset_name <> '' ORDER BY step, timestamp_ms, seq",
            [.text(model)]
        ).map { row in
            VersionFacts.DatasetMetric(
                key: row.text(0) ?? "",
                value: RunRows.value(row, 1),
                dataset: row.text(3) ?? "",
                digest: row.text(4).flatMap { $0.isEmpty ? nil : $0 }
            )
        }
    }

    /// The data set that was recorded for judging; the only one where none says what it is for.
    private static func addDataset(
        of run: String,
        _ facts: inout VersionFacts,
        _ connection: any SQLConnection
    ) throws {
        let rows = try connection.rows(
            "SELECT d.name, d.digest, d.profile_json, i.context FROM run_input i "
                + "JOIN dataset d ON d.dataset_id = i.dataset_id WHERE i.run_id = ? ORDER BY i.seq, d.dataset_id",
            [.text(run)]
        )
        let chosen =
            rows.last { judging.contains(($0.text(3) ?? "").lowercased()) }
            ?? (rows.count == 1 && (rows[0].text(3) ?? "").isEmpty ? rows[0] : nil)
        if let chosen {
            facts.dataset = DatasetReference(name: chosen.text(0) ?? "", digest: chosen.text(1))
            let profile = chosen.text(2).flatMap { try? JSONValue(parsing: $0) }
            facts.datasetRows = profile?["num_rows"]?.integer
            return
        }
        let text = try connection.rows("SELECT params_json FROM run WHERE run_id = ?", [.text(run)]).first?.text(0)
        guard let params = text.flatMap({ try? JSONValue(parsing: $0) }),
            let fingerprint = params["dataset_meta"]?["fingerprint"]?.string
        else { return }
        // Another seed or share splits the same file into other rows.
        let split = [fingerprint, params["seed"]?.text() ?? "", params["test_size"]?.text() ?? ""]
        facts.dataset = DatasetReference(
            name: params["dataset_meta"]?["dataset_name"]?.string ?? "data",
            digest: ContentHash.of(Array(split.joined(separator: "|").utf8))
        )
    }

    /// The values that a version would be judged by if it were made now.
    static func latestMetrics(
        of version: ModelVersion,
        _ connection: any SQLConnection
    ) throws -> [Metric] {
        var metrics: [Metric] = []
        if let run = version.runID {
            metrics = try connection.rows(
                "SELECT k.key, m.value, m.is_nan FROM run r JOIN latest_metric m ON m.run_seq = r.seq "
                    + "JOIN metric_key k ON k.key_id = m.key_id WHERE r.run_id = ? ORDER BY k.key",
                [.text(run.stored)]
            ).map { Metric($0.text(0) ?? "", RunRows.value($0, 1)) }
        }
        guard let model = version.modelID else { return metrics }
        let own = try connection.rows(
            "SELECT key, value, is_nan FROM logged_model_metric WHERE model_id = ? ORDER BY step, timestamp_ms, seq",
            [.text(model)]
        )
        for row in own {
            let metric = Metric(row.text(0) ?? "", RunRows.value(row, 1))
            metrics.removeAll { $0.key.utf8.elementsEqual(metric.key.utf8) }
            metrics.append(metric)
        }
        return metrics
    }
}
