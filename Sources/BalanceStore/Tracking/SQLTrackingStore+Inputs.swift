package import BalanceCore

extension SQLTrackingStore {
    package func addInputs(_ inputs: [DatasetInput], models: [String], to id: RunID) async throws {
        try await database.write { connection in
            try Self.requireActive(id, connection)
            for model in models {
                try connection.execute(
                    "INSERT INTO run_model_input (run_id, model_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    [.text(id.stored), .text(model)]
                )
            }
            for input in inputs { try Self.insert(input, of: id, connection) }
        }
    }

    static func insert(_ input: DatasetInput, of id: RunID, _ connection: any SQLConnection) throws {
        let dataset = try dataset(input, of: id, connection)
        // One that is logged again is the newest: a version is judged on the last that its run was evaluated with.
        try connection.execute(
            "INSERT INTO run_input (run_id, dataset_id, context, tags_json, seq) VALUES (?, ?, ?, ?, "
                + "(SELECT COALESCE(MAX(seq), 0) + 1 FROM run_input WHERE run_id = ?)) "
                + "ON CONFLICT (run_id, dataset_id) DO UPDATE SET seq = excluded.seq",
            [
                .text(id.stored), .integer(dataset), .optional(input.context),
                .text(JSONValue.array(input.tags.map { .strings([$0.key, $0.value]) }).text()), .text(id.stored),
            ]
        )
    }

    package func addOutputs(_ outputs: [ModelOutput], to id: RunID) async throws {
        try await database.write { connection in
            try Self.requireActive(id, connection)
            for output in outputs {
                try connection.execute(
                    "INSERT INTO run_model_output (run_id, model_id, step) VALUES (?, ?, ?)",
                    [.text(id.stored), .text(output.modelID), .integer(output.step)]
                )
            }
        }
    }

    package func datasets(of experimentIDs: [Int], limit: Int) async throws -> [DatasetSummary] {
        let places = repeatElement("?", count: experimentIDs.count).joined(separator: ", ")
        let visible = VisibleSQL.experiment("e.name")
        return try await database.read { connection in
            try connection.rows(
                "SELECT DISTINCT d.experiment_id, d.name, d.digest, i.context FROM dataset d "
                    + "JOIN run_input i ON i.dataset_id = d.dataset_id JOIN run r ON r.run_id = i.run_id "
                    + "JOIN experiment e ON e.experiment_id = d.experiment_id "
                    + "WHERE d.experiment_id IN (\(places)) AND \(visible.condition) AND r.lifecycle_stage = 'active' "
                    + "ORDER BY d.experiment_id, d.name, d.digest LIMIT ?",
                experimentIDs.map(SQLValue.integer) + visible.arguments + [.integer(limit)]
            ).map { row in
                DatasetSummary(
                    experimentID: row.integer(0) ?? 0,
                    name: row.text(1) ?? "",
                    digest: row.text(2) ?? "",
                    context: row.text(3)
                )
            }
        }
    }

    static func modelInputs(of ids: [SQLValue], _ connection: any SQLConnection) throws -> [String: [String]] {
        let places = repeatElement("?", count: ids.count).joined(separator: ", ")
        let rows = try connection.rows(
            "SELECT run_id, model_id FROM run_model_input WHERE run_id IN (\(places)) ORDER BY run_id, model_id",
            ids
        )
        return Dictionary(grouping: rows) { $0.text(0) ?? "" }.mapValues { $0.map { $0.text(1) ?? "" } }
    }

    static func outputs(of ids: [SQLValue], _ connection: any SQLConnection) throws -> [String: [ModelOutput]] {
        let places = repeatElement("?", count: ids.count).joined(separator: ", ")
        let rows = try connection.rows(
            "SELECT run_id, model_id, step FROM run_model_output WHERE run_id IN (\(places)) ORDER BY seq",
            ids
        )
        return Dictionary(grouping: rows) { $0.text(0) ?? "" }
            .mapValues { $0.map { ModelOutput(modelID: $0.text(1) ?? "", step: $0.integer(2) ?? 0) } }
    }

    /// The data sets of some runs, by run.
    static func inputs(of ids: [SQLValue], _ connection: any SQLConnection) throws -> [String: [DatasetInput]] {
        let places = repeatElement("?", count: ids.count).joined(separator: ", ")
        let rows = try connection.rows(
            "SELECT i.run_id, d.name, d.digest, d.source_type, d.source, d.schema_json, d.profile_json, i.tags_json "
                + "FROM run_input i JOIN dataset d ON d.dataset_id = i.dataset_id WHERE i.run_id IN (\(places)) "
                + "ORDER BY i.run_id, d.dataset_id",
            ids
        )
        return Dictionary(grouping: rows) { $0.text(0) ?? "" }.mapValues { $0.map(input) }
    }

    private static func input(_ row: SQLRow) -> DatasetInput {
        let tags = row.text(7).flatMap { try? JSONValue(parsing: $0) }?.elements ?? []
        return DatasetInput(
            name: row.text(1) ?? "",
            digest: row.text(2) ?? "",
            sourceType: row.text(3) ?? "",
            source: row.text(4) ?? "",
            schema: row.text(5),
            profile: row.text(6),
            tags: tags.compactMap { pair in
                guard let texts = pair.strings, texts.count == 2 else { return nil }
                return KeyValue(key: texts[0], value: texts[1])
            }
        )
    }

    /// The data set's row, which runs of one experiment share.
    private static func dataset(_ input: DatasetInput, of id: RunID, _ connection: any SQLConnection) throws -> Int {
        try connection.execute(
            "INSERT INTO dataset (experiment_id, name, digest, source_type, source, schema_json, profile_json) "
                + "SELECT experiment_id, ?, ?, ?, ?, ?, ? FROM run WHERE run_id = ? ON CONFLICT DO NOTHING",
            [
                .text(input.name), .text(input.digest), .text(input.sourceType), .text(input.source),
                .optional(input.schema), .optional(input.profile), .text(id.stored),
            ]
        )
        let rows = try connection.rows(
            "SELECT d.dataset_id FROM dataset d JOIN run r ON r.experiment_id = d.experiment_id "
                + "WHERE r.run_id = ? AND d.name = ? AND d.digest = ?",
            [.text(id.stored), .text(input.name), .text(input.digest)]
        )
        guard let dataset = rows.first?.integer(0) else { throw Failure(.internalError, "Unexpected server error.") }
        return dataset
    }
}
