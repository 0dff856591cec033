import BalanceSystem
package import BalanceCore

extension SQLRegistryStore: Governance {
    package func savePolicy(
        _ policy: PromotionPolicy,
        text: String,
        by actor: Actor
    ) async throws -> SavedPolicy {
        try await audit.write { connection in
            let known = try PolicyRows.find(hash: policy.hash, name: policy.name, connection) != nil
            let saved = try PolicyRows.save(policy, text: text, actor: actor.name, at: .now(), connection)
            if !known {
                var event = AuditEvent(
                    at: saved.createdAt,
                    by: actor,
                    action: .policySaved,
                    subject: policy.name,
                    reason: "version \(saved.version)"
                )
                event.policyHash = policy.hash
                try connection.append(event)
            }
            return saved
        }
    }

    package func policies() async throws -> [SavedPolicy] { try await database.read { try PolicyRows.newest($0) } }

    package func policyVersions(_ name: String) async throws -> [SavedPolicy] {
        try await database.read { try PolicyRows.versions(name, $0) }
    }

    package func policy(hash: String) async throws -> SavedPolicy? {
        try await database.read { try PolicyRows.find(hash: hash, $0) }
    }

    package func boundPolicy(of model: String) async throws -> SavedPolicy? {
        try await database.read { connection in
            let slot = try SlotRows.slot(model, connection)
            guard let hash = slot.policyHash else { return nil }
            return try PolicyRows.find(hash: hash, name: slot.policy, connection)
        }
    }

    package func bind(_ policy: SavedPolicy?, to model: String, by request: TransitionRequest) async throws {
        try await audit.write { connection in
            try VersionRows.requireModel(model, connection)
            let slot = try SlotRows.slot(model, connection)
            try SlotRows.requireGeneration(request.expectedGeneration, slot)
            try SlotRows.requireNotFrozen(slot)
            if let policy { try PolicyRows.retain(policy, at: .now(), connection) }
            try connection.execute(
                "INSERT INTO slot (name, policy, policy_hash) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
                    + "policy = excluded.policy, policy_hash = excluded.policy_hash",
                [.text(model), .optional(policy?.policy.name), .optional(policy?.policy.hash)]
            )
            let what = policy.map { "bound to '\($0.policy.name)', version \($0.version)" } ?? "bound to no policy"
            try note(.policyBound, model, request, what, slot, policyHash: policy?.policy.hash, connection)
        }
    }

    package func slot(of model: String) async throws -> Slot {
        try await database.read { connection in
            try VersionRows.requireModel(model, connection)
            return try SlotRows.slot(model, connection)
        }
    }

    package func movedSlots() async throws -> [Slot] {
        try await database.read { connection in
            try connection.rows(
                "SELECT name FROM slot WHERE generation > 0 UNION SELECT name FROM model_alias WHERE alias = "
                    + "'\(currentAlias)' ORDER BY name"
            ).map { try SlotRows.slot($0.text(0) ?? "", connection) }
        }
    }

    package func history(of model: String, limit: Int) async throws -> [SlotMove] {
        try await moves("name = ?", [.text(model)], limit)
    }

    package func lastMove(of model: String, to version: Int) async throws -> SlotMove? {
        try await moves("name = ? AND version = ?", [.text(model), .integer(version)], 1).first
    }

    /// Moves of a slot, the newest first.
    private func moves(_ condition: String, _ arguments: [SQLValue], _ limit: Int) async throws -> [SlotMove] {
        try await database.read { connection in
            try connection.rows(
                "SELECT generation, version, kind, at_ms, actor FROM slot_history WHERE \(condition) "
                    + "ORDER BY generation DESC LIMIT ?",
                arguments + [.integer(limit)]
            ).map { row in
                SlotMove(
                    generation: row.integer(0) ?? 0,
                    version: row.integer(1),
                    kind: row.text(2) ?? "",
                    at: Timestamp(milliseconds: row.integer(3) ?? 0),
                    actor: row.text(4) ?? ""
                )
            }
        }
    }

    package func approve(_ version: Int, of model: String, by request: TransitionRequest) async throws -> JSONValue {
        try await audit.write { connection in
            let slot = try SlotRows.slot(model, connection)
            try SlotRows.requireGeneration(request.expectedGeneration, slot)
            let found = try VersionRows.version(version, of: model, connection)
            guard let hash = slot.policyHash, let saved = try PolicyRows.find(hash: hash, connection) else {
                throw Failure(
                    .invalidParameter,
                    "'\(model)' is not bound to a policy, so it needs no approval",
                    hint: "balanceops policy set FILE --name \(model)"
                )
            }
            guard let digest = found.digest else {
                throw Failure(.invalidParameter, "version \(version) of '\(model)' has no file that can be served")
            }
            let policy = saved.policy
            guard policy.approval != nil || policy.mode == .manual || policy.onFirst == .manual else {
                throw Failure(
                    .invalidParameter,
                    "policy '\(policy.name)' of '\(model)' does not require approvals",
                    hint: "see docs/policies.md on approvals"
                )
            }
            let hasAccounts = try AccountRows.exist(connection)
            guard !hasAccounts || request.actor.accountID != nil else {
                throw Failure(
                    .permissionDenied,
                    "an approval needs somebody who is signed in, and '\(request.actor.name)' is not",
                    hint: "approve on the pages of the server, or with a token: this database has accounts"
                )
            }
            let isService = try request.actor.accountID.map {
                try AccountRows.find(id: $0, connection)?.kind != .person
            }
            guard isService != true else {
                throw Failure(
                    .permissionDenied,
                    "'\(request.actor.name)' is a service: an approval is a person's",
                    hint: "approve as a person, with a token of yours"
                )
            }
            guard PersonName.isSomebody(request.actor.name) else {
                throw Failure(
                    .invalidParameter,
                    "an approval needs the name of a person, not '\(request.actor.name)'",
                    hint: "send \"actor\" or the header X-BalanceOps-Actor; on the command line --actor NAME"
                )
            }
            let need = policy.approval ?? PromotionPolicy.ApprovalNeed()
            let roles = try CaseRows(name: model, policy: nil, connection: connection)
                .roles(of: request.actor.name, account: request.actor.accountID)
            guard need.roles.isEmpty || roles.contains(where: need.roles.contains) else {
                throw Failure(
                    .invalidParameter,
                    "\(request.actor.name) has none of the roles that '\(policy.name)' requires: "
                        + need.roles.joined(separator: ", "),
                    hint: hasAccounts
                        ? "an admin can grant it: balanceops users grant \(request.actor.name) approver --model \(model) "
                            + "--title \(need.roles[0])"
                        : "set the tag role:\(need.roles[0]) of model '\(model)' to comma-separated names"
                )
            }
            let facts = try CaseRows(name: model, policy: policy, connection: connection)
                .read(.version(version), fingerprint: nil, at: .now())
            let isAuthor =
                try request.actor.accountID.map { try AuthorRows.made(version, of: model, by: $0, connection) }
                ?? facts.candidate.author.map { PersonName.folded($0) == PersonName.folded(request.actor.name) }
                ?? false
            if need.notAuthor, isAuthor {
                throw Failure(
                    .invalidParameter,
                    "\(request.actor.name) created version \(version); policy '\(saved.policy.name)' needs another approver",
                    hint: "ask another person to approve it"
                )
            }
            let now = Timestamp.now()
            let expires = Timestamp(milliseconds: now.milliseconds + need.expires * 1000)
            try connection.execute(
                "INSERT INTO approval (name, version, digest, policy_hash, generation, actor, at_ms, expires_at_ms, "
                    + "inputs_hash, account_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                    + "ON CONFLICT (name, digest, policy_hash, generation, actor) DO UPDATE SET at_ms = excluded.at_ms, "
                    + "expires_at_ms = excluded.expires_at_ms, inputs_hash = excluded.inputs_hash, account_id = excluded.account_id",
                [
                    .text(model), .integer(version), .text(digest), .text(hash), .integer(slot.generation),
                    .text(request.actor.name), .integer(now.milliseconds), .integer(expires.milliseconds),
                    .text(facts.approvedHash), .optional(request.actor.accountID),
                ]
            )
            try note(.approved, model, request, "approved", slot, to: version, policyHash: hash, connection)
            return .object([
                ("ok", .bool(true)), ("model", .string(model)), ("version", .int(version)),
                ("digest", .string(digest)), ("policy_hash", .string(hash)), ("generation", .int(slot.generation)),
                ("actor", .string(request.actor.name)), ("expires_at", .string(expires.iso8601)),
            ])
        }
    }

    package func freeze(_ model: String, by request: TransitionRequest) async throws -> Slot {
        try await audit.write { connection in
            try VersionRows.requireModel(model, connection)
            let slot = try SlotRows.slot(model, connection)
            try SlotRows.requireGeneration(request.expectedGeneration, slot)
            try connection.execute(
                "INSERT INTO slot (name, frozen_at_ms, frozen_by, frozen_reason) VALUES (?, ?, ?, ?) "
                    + "ON CONFLICT (name) DO UPDATE SET frozen_at_ms = excluded.frozen_at_ms, "
                    + "frozen_by = excluded.frozen_by, frozen_reason = excluded.frozen_reason",
                [
                    .text(model), .integer(Timestamp.now().milliseconds), .text(request.actor.name),
                    .text(request.reason),
                ]
            )
            try note(.frozen, model, request, "nothing moves", slot, connection)
            return try SlotRows.slot(model, connection)
        }
    }

    package func unfreeze(_ model: String, by request: TransitionRequest) async throws -> Slot {
        try await audit.write { connection in
            try VersionRows.requireModel(model, connection)
            let slot = try SlotRows.slot(model, connection)
            try SlotRows.requireGeneration(request.expectedGeneration, slot)
            guard slot.freeze != nil else { return slot }
            try connection.execute(
                "UPDATE slot SET frozen_at_ms = NULL, frozen_by = NULL, frozen_reason = NULL WHERE name = ?",
                [.text(model)]
            )
            try note(.unfrozen, model, request, "may move again", slot, connection)
            return try SlotRows.slot(model, connection)
        }
    }

    package func quarantine(_ version: Int, of model: String, by request: TransitionRequest) async throws {
        try await audit.write { connection in
            _ = try VersionRows.version(version, of: model, connection)
            let slot = try SlotRows.slot(model, connection)
            try SlotRows.requireGeneration(request.expectedGeneration, slot)
            guard slot.version != version else {
                throw Failure(
                    .modelInUse,
                    "version \(version) of '\(model)' serves and cannot be quarantined",
                    hint: "run balanceops rollback \(model) --reason WHY, then quarantine it"
                )
            }
            try connection.execute(
                "UPDATE model_version SET quarantined_at_ms = ?, quarantine_reason = ? WHERE name = ? AND version = ?",
                [
                    .integer(Timestamp.now().milliseconds), .text(request.reason), .text(model), .integer(version),
                ]
            )
            try note(.quarantined, model, request, "may not serve", slot, to: version, connection)
        }
    }

    package func release(_ version: Int, of model: String, by request: TransitionRequest) async throws {
        try await audit.write { connection in
            _ = try VersionRows.version(version, of: model, connection)
            let slot = try SlotRows.slot(model, connection)
            try SlotRows.requireGeneration(request.expectedGeneration, slot)
            try connection.execute(
                "UPDATE model_version SET quarantined_at_ms = NULL, quarantine_reason = NULL "
                    + "WHERE name = ? AND version = ?",
                [.text(model), .integer(version)]
            )
            try note(.released, model, request, "may serve again", slot, to: version, connection)
        }
    }

    package func refreshSnapshot(
        _ version: Int,
        of model: String,
        by request: TransitionRequest
    ) async throws -> VersionFacts {
        try await audit.write { connection in
            let found = try VersionRows.version(version, of: model, connection)
            let slot = try SlotRows.slot(model, connection)
            try SlotRows.requireGeneration(request.expectedGeneration, slot)
            let metrics = try SnapshotRows.latestMetrics(of: found, connection)
            guard !metrics.isEmpty || found.metrics.isEmpty else {
                throw Failure(
                    .invalidParameter,
                    "the run of version \(version) of '\(model)' no longer exists; the recorded values are unchanged",
                    hint: "register the version again from a run with metrics"
                )
            }
            try connection.execute(
                "UPDATE model_version SET metrics_json = ? WHERE name = ? AND version = ?",
                [.text(metrics.json.text()), .text(model), .integer(version)]
            )
            try SnapshotRows.take(model, version, metrics: metrics, connection)
            try note(.snapshotRefreshed, model, request, "judged by new values", slot, to: version, connection)
            return try CaseRows(name: model, policy: nil, connection: connection)
                .read(.version(version), fingerprint: nil, at: .now()).candidate
        }
    }

    // MARK: - Parts

    private func note(
        _ action: AuditAction,
        _ model: String,
        _ request: TransitionRequest,
        _ standard: String,
        _ slot: Slot,
        to version: Int? = nil,
        policyHash: String? = nil,
        _ connection: AuditedConnection
    ) throws {
        var event = AuditEvent(
            at: .now(),
            by: request.actor,
            action: action,
            subject: model,
            reason: request.reason.isEmpty
                ? standard : action == .policyBound ? "\(standard): \(request.reason)" : request.reason
        )
        event.fromVersion = slot.version
        event.toVersion = version
        event.generationBefore = slot.generation
        event.generationAfter = slot.generation
        event.policyHash = policyHash
        try connection.append(event)
    }
}
