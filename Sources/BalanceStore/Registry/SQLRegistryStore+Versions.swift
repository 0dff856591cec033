package import BalanceCore

extension SQLRegistryStore {
    package func createVersion(_ version: ModelVersion) async throws -> ModelVersion {
        try await database.write { connection in
            let number = try RegistryRows.nextVersion(of: version.name, connection)
            try connection.execute(
                "INSERT INTO model_version (name, version, run_id, path, metrics_json, stage, created_at, "
                    + "created_at_ms, updated_at_ms, source, model_id, run_link, description, problem, format, digest, "
                    + "storage, candidate_path, signature_json, author, account_id) "
                    + "VALUES (?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    .text(version.name), .integer(number), .optional(version.runID?.stored),
                    .text(version.metrics.json.text()), .text(version.stage.rawValue),
                    .text(version.createdAt.iso8601), .integer(version.createdAt.milliseconds),
                    .integer(version.updatedAt.milliseconds), .optional(version.source), .optional(version.modelID),
                    .optional(version.runLink), .optional(version.description), .optional(version.problem),
                    .optional(version.format), .optional(version.digest), .optional(version.storage),
                    .optional(version.candidatePath), .optional(version.signature), .optional(version.author),
                    .optional(version.accountID),
                ]
            )
            for tag in version.tags { try Self.upsert(tag, version: number, of: version.name, connection) }
            try SnapshotRows.take(version.name, number, metrics: version.metrics, connection)
            try Self.touch(version.name, at: version.createdAt, connection)
            if let model = version.modelID { try Self.noteVersion(number, of: version.name, on: model, connection) }
            return try VersionRows.version(number, of: version.name, connection)
        }
    }

    /// Adds a version to the list that MLflow's clients look for on its logged model.
    private static func noteVersion(
        _ version: Int,
        of name: String,
        on model: String,
        _ connection: any SQLConnection
    ) throws {
        let key = "mlflow.modelVersions"
        let exists = try connection.rows("SELECT 1 FROM logged_model WHERE model_id = ?", [.text(model)])
        guard !exists.isEmpty else { return }
        let known = try connection.rows(
            "SELECT value FROM logged_model_tag WHERE model_id = ? AND key = ?",
            [.text(model), .text(key)]
        ).first?.text(0)
        let before = known.flatMap { try? JSONValue(parsing: $0) }?.elements ?? []
        let entry = JSONValue.object([("name", .string(name)), ("version", .int(version))])
        try LoggedModelRows.upsert(
            KeyValue(key: key, value: JSONValue.array(before + [entry]).text()),
            model,
            connection
        )
    }

    package func version(_ version: Int, of name: String) async throws -> ModelVersion {
        try await database.read { try VersionRows.version(version, of: name, $0) }
    }

    package func describeVersion(
        _ version: Int,
        of name: String,
        _ description: String?,
        at moment: Timestamp
    ) async throws -> ModelVersion {
        try await change(version, of: name, at: moment) { connection in
            try connection.execute(
                "UPDATE model_version SET description = ? WHERE name = ? AND version = ?",
                [.optional(description), .text(name), .integer(version)]
            )
        }
    }

    package func deleteVersion(
        _ version: Int,
        of name: String,
        by actor: Actor,
        at moment: Timestamp
    ) async throws {
        try await audit.write { connection in
            let found = try VersionRows.version(version, of: name, connection)
            if let current = try RegistryRows.current(name, connection), current.version == version,
                !current.path.isEmpty
            {
                throw Failure(
                    .modelInUse,
                    "The version \(version) of '\(name)' cannot be deleted: it serves",
                    hint: "first set the alias '\(currentAlias)' to another version, or delete the alias"
                )
            }
            let slot = try SlotRows.slot(name, connection)
            try SlotRows.requireNotFrozen(slot)
            if let reason = found.quarantine {
                throw Failure(
                    .versionQuarantined,
                    "version \(version) of '\(name)' is in quarantine and cannot be deleted: \(reason)",
                    hint: "balanceops release \(name) \(version) --reason WHY"
                )
            }
            try CaseRows.keepBaseline(version, of: name, connection)
            if let current = try RegistryRows.current(name, connection), current.version == version {
                try unset(current, reason: "the version is deleted", by: actor, at: moment, connection)
            }
            try connection.execute(
                "DELETE FROM model_version WHERE name = ? AND version = ?",
                [.text(name), .integer(version)]
            )
            try Self.touch(name, at: moment, connection)
            var event = AuditEvent(
                at: moment,
                by: actor,
                action: .versionDeleted,
                subject: name,
                reason: "version \(version)"
            )
            event.toVersion = version
            try connection.append(event)
        }
    }

    package func setTag(
        _ tag: KeyValue,
        ofVersion version: Int,
        of name: String,
        by actor: Actor,
        at moment: Timestamp
    ) async throws {
        try await audit.write { connection in
            _ = try VersionRows.version(version, of: name, connection)
            try Self.upsert(tag, version: version, of: name, connection)
            let what = "\(tag.key) = \(tag.value)"
            try Self.note(tag.key, what, version, of: name, by: actor, at: moment, connection)
        }
    }

    /// A tag that a version needs to be promoted is worth a line of the trail.
    private static func note(
        _ key: String,
        _ what: String,
        _ version: Int,
        of name: String,
        by actor: Actor,
        at moment: Timestamp,
        _ connection: AuditedConnection
    ) throws {
        let slot = try SlotRows.slot(name, connection)
        guard let hash = slot.policyHash,
            let policy = try PolicyRows.find(hash: hash, name: slot.policy, connection)?.policy,
            policy.require.tags.contains(where: { $0.key.utf8.elementsEqual(key.utf8) })
        else { return }
        let reason = String(what.prefix(500))
        var event = AuditEvent(at: moment, by: actor, action: .versionTagged, subject: name, reason: reason)
        event.toVersion = version
        try connection.append(event)
    }

    package func deleteTag(
        _ key: String,
        ofVersion version: Int,
        of name: String,
        by actor: Actor,
        at moment: Timestamp
    ) async throws {
        try await audit.write { connection in
            _ = try VersionRows.version(version, of: name, connection)
            try connection.execute(
                "DELETE FROM model_version_tag WHERE name = ? AND version = ? AND key = ?",
                [.text(name), .integer(version), .text(key)]
            )
            try Self.note(key, "\(key) removed", version, of: name, by: actor, at: moment, connection)
        }
    }

    package func searchVersions(_ query: SearchQuery) async throws -> Page<ModelVersion> {
        var builder = EntitySQL(.version)
        var condition = try query.filter.map { try builder.condition($0) } ?? "1 = 1"
        if query.filter?.mentions(tag: promptTag) != true {
            condition += " AND NOT EXISTS (SELECT 1 FROM registered_model_tag p WHERE p.name = v.name "
            condition += "AND p.key = '\(promptTag)' AND p.value = 'true')"
        }
        let visible = VisibleSQL.model("v.name")
        let sql = PagedSQL(
            columns: VersionRows.columns,
            source: "model_version v",
            condition: "\(condition) AND \(visible.condition)",
            arguments: builder.arguments + visible.arguments,
            order: try builder.order(query.order)
        )
        return try await database.read { connection in
            try sql.page(limit: query.limit, after: query.after, connection)
                .map { try VersionRows.version($0, connection) }
        }
    }

    package func latestVersions(of name: String, stages: [VersionStage]) async throws -> [ModelVersion] {
        try await database.read { connection in
            try VersionRows.requireModel(name, connection)
            return try VersionRows.latest(of: name, stages: stages, connection)
        }
    }

    package func setStage(
        _ stage: VersionStage,
        ofVersion version: Int,
        of name: String,
        archivingOthers: Bool,
        by actor: Actor,
        at moment: Timestamp
    ) async throws -> ModelVersion {
        try await change(version, of: name, at: moment) { connection in
            try Self.touch(name, at: moment, connection)
            let before = try RegistryRows.current(name, connection)
            if let before, before.version == version {
                let reason = "the version was moved to the stage \(stage.mlflow)"
                try unset(before, reason: reason, by: actor, at: moment, connection)
            }
            if archivingOthers {
                try connection.execute(
                    "UPDATE model_version SET stage = 'archived', updated_at_ms = ? "
                        + "WHERE name = ? AND stage = ? AND version <> ?",
                    [.integer(moment.milliseconds), .text(name), .text(stage.rawValue), .integer(version)]
                )
            }
            try connection.execute(
                "UPDATE model_version SET stage = ? WHERE name = ? AND version = ?",
                [.text(stage.rawValue), .text(name), .integer(version)]
            )
        }
    }

    package func setServableStatus(_ found: ServableStatus, ofVersion version: Int, of name: String) async throws {
        try await database.write { connection in
            _ = try connection.execute(
                "UPDATE model_version SET problem = ?, format = ?, digest = ?, size = ?, signature_json = ? "
                    + "WHERE name = ? AND version = ?",
                [
                    .optional(found.problem), .optional(found.format), .optional(found.digest), .optional(found.size),
                    .optional(found.signature), .text(name), .integer(version),
                ]
            )
        }
    }

    package func setAlias(
        _ alias: String,
        ofVersion version: Int,
        of name: String,
        at moment: Timestamp
    ) async throws {
        guard alias != currentAlias else { throw Self.movesByPromotion }
        try await database.write { connection in
            _ = try VersionRows.version(version, of: name, connection)
            try RegistryRows.move(alias, of: name, to: version, at: moment, connection)
        }
    }

    /// What serves moves by a transition, and no other way.
    private static let movesByPromotion = Failure(
        .invalidParameter,
        "the alias '\(currentAlias)' can only be set by a promotion",
        hint: "balanceops promote MODEL VERSION --reason WHY"
    )

    package func deleteAlias(_ alias: String, of name: String, by actor: Actor, at moment: Timestamp) async throws {
        try await audit.write { connection in
            try VersionRows.requireModel(name, connection)
            let before = alias == currentAlias ? try RegistryRows.current(name, connection) : nil
            guard let before else {
                _ = try connection.execute(
                    "DELETE FROM model_alias WHERE name = ? AND alias = ?",
                    [.text(name), .text(alias)]
                )
                return
            }
            try connection.execute(
                "UPDATE model_version SET stage = 'candidate' WHERE name = ? AND version = ? AND stage = 'current'",
                [.text(name), .integer(before.version)]
            )
            try unset(before, reason: "no version serves any more", by: actor, at: moment, connection)
        }
    }

    /// Takes the alias `current` away, which is a move like any other.
    func unset(
        _ before: CurrentModel,
        reason: String,
        by actor: Actor,
        at moment: Timestamp,
        _ connection: AuditedConnection
    ) throws {
        try SlotRows.requireNotFrozen(SlotRows.slot(before.name, connection))
        let moved = try SlotRows.move(before.name, to: nil, kind: "unset", actor: actor.name, at: moment, connection)
        var event = AuditEvent(
            at: moment,
            by: actor,
            action: .aliasRemoved,
            subject: before.name,
            reason: reason
        )
        event.fromVersion = before.version
        event.runID = before.runID?.stored
        event.generationBefore = moved.before
        event.generationAfter = moved.after
        try connection.append(event)
    }

    package func version(alias: String, of name: String) async throws -> ModelVersion {
        try await database.read { connection in
            try VersionRows.requireModel(name, connection)
            if alias.lowercased() == "latest" {
                let newest = try connection.rows(
                    "SELECT MAX(version) FROM model_version WHERE name = ?",
                    [.text(name)]
                ).first?.integer(0)
                if let newest { return try VersionRows.version(newest, of: name, connection) }
            }
            let found = try connection.rows(
                "SELECT version FROM model_alias WHERE name = ? AND alias = ?",
                [.text(name), .text(alias)]
            ).first?.integer(0)
            guard let found else {
                throw Failure(.invalidParameter, "Registered model alias \(alias) not found.")
            }
            return try VersionRows.version(found, of: name, connection)
        }
    }

    /// Changes a version and says when.
    private func change(
        _ version: Int,
        of name: String,
        at moment: Timestamp,
        _ body: @escaping @Sendable (AuditedConnection) throws -> Void
    ) async throws -> ModelVersion {
        try await audit.write { connection in
            _ = try VersionRows.version(version, of: name, connection)
            try body(connection)
            try connection.execute(
                "UPDATE model_version SET updated_at_ms = ? WHERE name = ? AND version = ?",
                [.integer(moment.milliseconds), .text(name), .integer(version)]
            )
            return try VersionRows.version(version, of: name, connection)
        }
    }

    private static func upsert(
        _ tag: KeyValue,
        version: Int,
        of name: String,
        _ connection: any SQLConnection
    ) throws {
        try connection.execute(
            "INSERT INTO model_version_tag (name, version, key, value) VALUES (?, ?, ?, ?) "
                + "ON CONFLICT (name, version, key) DO UPDATE SET value = excluded.value",
            [.text(name), .integer(version), .text(tag.key), .text(tag.value)]
        )
    }
}
