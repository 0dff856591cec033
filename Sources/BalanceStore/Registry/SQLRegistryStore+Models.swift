import BalanceSystem
package import BalanceCore

extension SQLRegistryStore: ModelRegistry {
    package func createModel(_ model: RegisteredModel, by actor: Actor) async throws -> RegisteredModel {
        try await audit.write { connection in
            if try !RegistryRows.create(model, connection) { throw Self.taken(model.name) }
            for tag in model.tags {
                try Self.upsert(tag, model: model.name, connection)
                try noteRole(tag.key, "\(tag.key) = \(tag.value)", of: model.name, by: actor, connection)
            }
            return try VersionRows.model(model.name, connection)
        }
    }

    package func model(_ name: String) async throws -> RegisteredModel {
        try await database.read { try VersionRows.model(name, $0) }
    }

    package func describeModel(
        _ name: String,
        _ description: String?,
        at moment: Timestamp
    ) async throws -> RegisteredModel {
        try await database.write { connection in
            try connection.execute(
                "UPDATE registered_model SET description = ?, updated_at_ms = ? WHERE name = ?",
                [.optional(description), .integer(moment.milliseconds), .text(name)]
            )
            return try VersionRows.model(name, connection)
        }
    }

    package func renameModel(
        _ name: String,
        to newName: String,
        by actor: Actor,
        at moment: Timestamp
    ) async throws -> RegisteredModel {
        try await audit.write { connection in
            try VersionRows.requireModel(name, connection)
            if name.utf8.elementsEqual(newName.utf8) {
                try Self.touch(name, at: moment, connection)
                return try VersionRows.model(name, connection)
            }
            try Self.requireIdle(name, "renamed", connection)
            try SlotRows.requireNotFrozen(SlotRows.slot(name, connection))
            let taken = try connection.rows("SELECT 1 FROM registered_model WHERE name = ?", [.text(newName)])
            if !taken.isEmpty { throw Self.taken(newName) }
            try RegistryRows.requireDistinct(newName, besides: name, connection)
            let slot = try SlotRows.slot(name, connection)
            try RegistryRows.retire(name, connection)
            try Self.move(name, to: newName, at: moment, connection)
            try AccountRows.moveGrants(from: name, to: newName, by: actor, connection)
            var event = AuditEvent(
                at: moment,
                by: actor,
                action: .renamed,
                subject: newName,
                reason: "was '\(name)'",
                decisionJSON: JSONValue.object([("former_name", .string(name))]).text()
            )
            event.generationBefore = slot.generation
            event.generationAfter = slot.generation
            try connection.append(event)
            return try VersionRows.model(newName, connection)
        }
    }

    package func deleteModel(_ name: String, by actor: Actor) async throws {
        try await audit.write { connection in
            try VersionRows.requireModel(name, connection)
            try Self.requireIdle(name, "deleted", connection)
            if let current = try RegistryRows.current(name, connection) {
                try unset(current, reason: "the model is deleted", by: actor, at: .now(), connection)
            }
            let slot = try SlotRows.slot(name, connection)
            try SlotRows.requireNotFrozen(slot)
            if let last = try SlotRows.lastServed(name, connection) {
                try CaseRows.keepBaseline(last, of: name, connection)
            }
            try RegistryRows.retire(name, connection)
            try connection.execute("DELETE FROM registered_model WHERE name = ?", [.text(name)])
            // Another model of that name is not theirs.
            try AccountRows.moveGrants(from: name, to: nil, by: actor, connection)
            let bond = slot.policy.map { ", bound to '\($0)'" } ?? ""
            var event = AuditEvent(
                at: .now(),
                by: actor,
                action: .deleted,
                subject: name,
                reason: "at generation \(slot.generation)\(bond)"
            )
            event.generationBefore = slot.generation
            event.generationAfter = slot.generation
            event.policyHash = slot.policyHash
            try connection.append(event)
        }
    }

    package func setTag(_ tag: KeyValue, ofModel name: String, by actor: Actor) async throws {
        try await audit.write { connection in
            try VersionRows.requireModel(name, connection)
            try Self.upsert(tag, model: name, connection)
            try noteRole(tag.key, "\(tag.key) = \(tag.value)", of: name, by: actor, connection)
        }
    }

    /// Who may approve is worth a line of the trail.
    private func noteRole(
        _ key: String,
        _ what: String,
        of name: String,
        by actor: Actor,
        _ connection: AuditedConnection
    ) throws {
        guard CaseRows.isRole(key) else { return }
        guard try !AccountRows.exist(connection) else {
            throw Failure(
                .invalidParameter,
                "'\(key)' cannot be changed: this server has accounts, and roles are grants of theirs",
                hint: "balanceops users grant NAME approver --model \(name) --title \(key.dropFirst("role:".count))"
            )
        }
        try connection.note(.roleChanged, name, what, by: actor, at: .now())
    }

    package func deleteTag(_ key: String, ofModel name: String, by actor: Actor) async throws {
        try await audit.write { connection in
            try VersionRows.requireModel(name, connection)
            try connection.execute(
                "DELETE FROM registered_model_tag WHERE name = ? AND key = ?",
                [.text(name), .text(key)]
            )
            try noteRole(key, "\(key) removed", of: name, by: actor, connection)
        }
    }

    package func searchModels(_ query: SearchQuery) async throws -> Page<RegisteredModel> {
        var builder = EntitySQL(.model)
        var condition = try query.filter.map { try builder.condition($0) } ?? "1 = 1"
        if query.filter?.mentions(tag: promptTag) != true {
            condition += " AND NOT EXISTS (SELECT 1 FROM registered_model_tag p WHERE p.name = m.name "
            condition += "AND p.key = '\(promptTag)' AND p.value = 'true')"
        }
        let visible = VisibleSQL.model("m.name")
        let sql = PagedSQL(
            columns: VersionRows.modelColumns,
            source: "registered_model m",
            condition: "\(condition) AND \(visible.condition)",
            arguments: builder.arguments + visible.arguments,
            order: try builder.order(query.order)
        )
        return try await database.read { connection in
            try sql.page(limit: query.limit, after: query.after, connection)
                .map { try VersionRows.model($0, connection) }
        }
    }

    // MARK: - Rows

    static func touch(_ name: String, at moment: Timestamp, _ connection: any SQLConnection) throws {
        try connection.execute(
            "UPDATE registered_model SET updated_at_ms = ? WHERE name = ?",
            [.integer(moment.milliseconds), .text(name)]
        )
    }

    /// Refuses while a version of the model serves.
    private static func requireIdle(_ name: String, _ action: String, _ connection: any SQLConnection) throws {
        guard let current = try RegistryRows.current(name, connection), !current.path.isEmpty else { return }
        throw Failure(
            .modelInUse,
            "The model '\(name)' cannot be \(action): its version \(current.version) serves",
            hint: "delete its alias '\(currentAlias)' first"
        )
    }

    private static func taken(_ name: String) -> Failure {
        Failure(.alreadyExists, "Registered Model (name=\(name)) already exists.")
    }

    private static func upsert(_ tag: KeyValue, model name: String, _ connection: any SQLConnection) throws {
        try connection.execute(
            "INSERT INTO registered_model_tag (name, key, value) VALUES (?, ?, ?) "
                + "ON CONFLICT (name, key) DO UPDATE SET value = excluded.value",
            [.text(name), .text(tag.key), .text(tag.value)]
        )
    }

    /// Gives a model another name: a new row that takes over all that belongs to the old one.
    private static func move(
        _ name: String,
        to newName: String,
        at moment: Timestamp,
        _ connection: any SQLConnection
    ) throws {
        let now = SQLValue.integer(moment.milliseconds)
        let names: [SQLValue] = [.text(newName), .text(name)]
        // References are checked at once, so copies must stand before the originals go.
        let copies = [
            "INSERT INTO registered_model (name, folded_name, description, created_at_ms, updated_at_ms, last_version) "
                + "SELECT ?, '', description, created_at_ms, updated_at_ms, last_version FROM registered_model",
            "INSERT INTO registered_model_tag (name, key, value) SELECT ?, key, value FROM registered_model_tag",
            "INSERT INTO model_version (name, \(versionColumns)) SELECT ?, \(versionColumns) FROM model_version",
            "INSERT INTO model_version_tag (name, version, key, value) SELECT ?, version, key, value "
                + "FROM model_version_tag",
            "INSERT INTO model_alias (name, alias, version, generation, moved_at_ms) SELECT ?, alias, version, "
                + "generation, moved_at_ms FROM model_alias",
            "INSERT INTO slot (name, \(slotColumns)) SELECT ?, \(slotColumns) FROM slot",
            "INSERT INTO slot_history (name, generation, version, kind, at_ms, actor) SELECT ?, generation, version, "
                + "kind, at_ms, actor FROM slot_history",
            "INSERT INTO attempt (name, dataset, digest, at_ms) SELECT ?, dataset, digest, at_ms FROM attempt",
        ]
        for copy in copies { try connection.execute("\(copy) WHERE name = ?", names) }
        try connection.execute("DELETE FROM registered_model WHERE name = ?", [.text(name)])
        try connection.execute(
            "UPDATE registered_model SET updated_at_ms = ?, folded_name = ? WHERE name = ?",
            [now, .text(ModelName.folded(newName)), .text(newName)]
        )
        // The name may have given higher numbers before.
        let retired = try connection.rows(
            "SELECT last_version, generation FROM retired_model WHERE name = ?",
            [.text(newName)]
        ).first
        if let retired, let last = retired.integer(0), let generation = retired.integer(1) {
            try connection.execute(
                "UPDATE registered_model SET last_version = MAX(last_version, ?) WHERE name = ?",
                [.integer(last), .text(newName)]
            )
            try connection.execute(
                "UPDATE slot SET generation = MAX(generation, ?) WHERE name = ?",
                [.integer(generation), .text(newName)]
            )
        }
        try connection.execute("UPDATE model_version SET updated_at_ms = ? WHERE name = ?", [now, .text(newName)])
    }

    private static let versionColumns =
        "version, run_id, path, source_path, digest, size, format, signature_json, metrics_json, stage, created_at, "
        + "created_at_ms, source, storage, candidate_path, model_id, run_link, description, problem, updated_at_ms, "
        + "snapshot_json, author, quarantined_at_ms, quarantine_reason, rolled_back_at_ms"

    private static let slotColumns =
        "generation, policy, policy_hash, promoted_at_ms, moved_at_ms, frozen_at_ms, frozen_by, frozen_reason, is_forced, "
        + "baseline_json"
}
