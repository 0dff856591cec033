import BalanceCore

/// The row of what is governed of a model, and its history.
enum SlotRows {
    static func slot(_ name: String, _ connection: any SQLConnection) throws -> Slot {
        let serving = try connection.rows(
            "SELECT a.version, v.problem FROM model_alias a LEFT JOIN model_version v ON v.name = a.name "
                + "AND v.version = a.version WHERE a.name = ? AND a.alias = '\(currentAlias)'",
            [.text(name)]
        ).first
        let current = serving?.integer(0)
        let rows = try connection.rows(
            "SELECT generation, policy, policy_hash, promoted_at_ms, moved_at_ms, frozen_at_ms, frozen_by, frozen_reason, "
                + "is_forced FROM slot WHERE name = ?",
            [.text(name)]
        )
        guard let row = rows.first else {
            var slot = Slot(model: name, version: current)
            slot.problem = serving?.text(1)
            return slot
        }
        let freeze = row.integer(5).map {
            Slot.Freeze(at: Timestamp(milliseconds: $0), by: row.text(6) ?? "", reason: row.text(7) ?? "")
        }
        var slot = Slot(
            model: name,
            generation: row.integer(0) ?? 0,
            version: current,
            previous: try previous(of: name, current: current, connection),
            policy: row.text(1),
            policyHash: row.text(2),
            promotedAt: row.integer(3).map(Timestamp.init(milliseconds:)),
            movedAt: row.integer(4).map(Timestamp.init(milliseconds:)),
            freeze: freeze,
            isForced: row.integer(8) == 1
        )
        slot.problem = serving?.text(1)
        return slot
    }

    /// The version that serves, or served last, and is still there.
    static func lastServed(_ name: String, _ connection: any SQLConnection) throws -> Int? {
        try connection.rows(
            "SELECT v.version FROM slot_history h JOIN model_version v ON v.name = h.name AND v.version = h.version "
                + "WHERE h.name = ? ORDER BY h.generation DESC LIMIT 1",
            [.text(name)]
        ).first?.integer(0)
    }

    /// The last other version that served, was not rolled back since, is not in quarantine, and still has its file.
    private static func previous(of name: String, current: Int?, _ connection: any SQLConnection) throws -> Int? {
        try connection.rows(
            "SELECT v.version FROM slot_history h JOIN model_version v ON v.name = h.name AND v.version = h.version "
                + "WHERE h.name = ? AND h.version <> ? AND v.rolled_back_at_ms IS NULL AND \(VersionRows.quarantine) IS NULL "
                + "AND v.problem IS NULL ORDER BY h.generation DESC LIMIT 1",
            [.text(name), .integer(current ?? -1)]
        ).first?.integer(0)
    }

    /// Points the alias `current` to a version, or to none, and counts the move.
    ///
    /// - Returns: The generations before and after.
    @discardableResult
    static func move(
        _ name: String,
        to version: Int?,
        kind: String,
        actor: String,
        at moment: Timestamp,
        _ connection: any SQLConnection
    ) throws -> (before: Int, after: Int) {
        let now = SQLValue.integer(moment.milliseconds)
        let isPromotion = kind == Transition.Kind.promote.rawValue || kind == Transition.Kind.force.rawValue
        try connection.execute("INSERT INTO slot (name) VALUES (?) ON CONFLICT DO NOTHING", [.text(name)])
        let after =
            try connection.rows(
                "UPDATE slot SET generation = generation + 1, moved_at_ms = ?, is_forced = ?, \(isPromotion ? "baseline_json = NULL, " : "")"
                    + "promoted_at_ms = CASE WHEN ? = 1 THEN ? ELSE promoted_at_ms END WHERE name = ? "
                    + "RETURNING generation",
                [
                    now, .integer(kind == Transition.Kind.force.rawValue ? 1 : 0), .integer(isPromotion ? 1 : 0), now,
                    .text(name),
                ]
            ).first?.integer(0) ?? 0
        try connection.execute(
            "INSERT INTO slot_history (name, generation, version, kind, at_ms, actor) VALUES (?, ?, ?, ?, ?, ?)",
            [.text(name), .integer(after), .optional(version), .text(kind), now, .text(actor)]
        )
        if let version {
            try RegistryRows.move(currentAlias, of: name, to: version, at: moment, connection)
        } else {
            try connection.execute(
                "DELETE FROM model_alias WHERE name = ? AND alias = '\(currentAlias)'",
                [.text(name)]
            )
        }
        return (after - 1, after)
    }

    /// Refuses a change that was decided on at another generation; nil takes whatever it is.
    static func requireGeneration(_ expected: Int?, _ slot: Slot) throws {
        guard let expected, expected != slot.generation else { return }
        throw Failure(
            .generationConflict,
            "'\(slot.model)' is at generation \(slot.generation), but the request expects \(expected): "
                + "it was changed by another request.",
            hint: "check the current version and try again",
            details: slot.json
        )
    }

    /// Refuses while somebody keeps everything as it is.
    static func requireNotFrozen(_ slot: Slot) throws {
        guard let freeze = slot.freeze else { return }
        throw Failure(
            .modelFrozen,
            "'\(slot.model)' is frozen by \(freeze.by) since \(freeze.at.iso8601): \(freeze.reason)",
            hint: "balanceops unfreeze \(slot.model) --reason WHY",
            details: slot.json
        )
    }
}
