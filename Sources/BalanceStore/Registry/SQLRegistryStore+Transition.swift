import BalanceSystem
package import BalanceCore

extension SQLRegistryStore {
    package func promotionCase(
        of model: String,
        _ candidate: CandidateReference,
        policy: PromotionPolicy?,
        fingerprint: String?,
        at moment: Timestamp
    ) async throws -> PromotionCase {
        try await database.read { connection in
            try CaseRows(name: model, policy: policy, connection: connection)
                .read(candidate, fingerprint: fingerprint, at: moment)
        }
    }

    package func recordLook(_ facts: PromotionCase) async throws {
        try await database.writeTogether { try CaseRows.recordAttempt(facts, at: .now(), $0) }
    }

    package func earlierAnswer(
        to request: TransitionRequest,
        _ kind: Transition.Kind,
        model: String
    ) async throws -> TransitionResult? {
        guard request.idempotencyKey != nil else { return nil }
        return try await database.read { try IdempotencyRows.answer(to: request, kind, model: model, $0) }
    }

    package func transition(
        _ transition: Transition,
        servedFrom path: String,
        install: @escaping @Sendable (CurrentModel?) throws -> Void
    ) async throws -> TransitionResult {
        do {
            return try await audit.write { connection in
                try TransitionRows(transition: transition, path: path, connection: connection).run(install)
            }
        } catch let failure as Failure where failure.cause is StaleFacts {
            throw StaleFacts()
        }
    }
}

/// One transition in one transaction: look again, judge again, move, and write down what was done.
struct TransitionRows {
    let transition: Transition
    let path: String
    let connection: AuditedConnection

    private var promotion: Promotion { transition.promotion }
    private var request: TransitionRequest { transition.request }

    func run(_ install: (CurrentModel?) throws -> Void) throws -> TransitionResult {
        if let earlier = try IdempotencyRows.answer(to: request, transition.kind, model: promotion.name, connection) {
            return earlier
        }
        let slot = try SlotRows.slot(promotion.name, connection)
        try check(slot)
        let before = try RegistryRows.current(promotion.name, connection)
        if path.isEmpty, let before, !before.path.isEmpty { throw SQLRegistryStore.wouldStopServing(promotion, before) }
        let decision = try decide(slot)
        if let version = promotion.version, version == slot.version, transition.kind != .force {
            return try finish(decision, slot, .nothingToDo, isNoop: true)
        }
        guard decision.promotes else {
            let action = decision.outcome == .hold ? AuditAction.promotionHeld : .promotionRefused
            try recordAttempt()
            return try finish(decision, slot, action)
        }
        let version = try move(from: before)
        let moved = try SlotRows.move(
            promotion.name,
            to: version,
            kind: transition.kind.rawValue,
            actor: request.actor.name,
            at: promotion.at,
            connection
        )
        try recordAttempt()
        let result = try finish(decision, slot, action, version: version, generations: moved)
        // Last, so that what the database can refuse has been refused before a file changes.
        try install(before)
        return result
    }

    private var action: AuditAction {
        switch transition.kind {
        case .promote: .promoted
        case .rollback: .rolledBack
        case .force: .forced
        }
    }

    // MARK: - Before

    private func check(_ slot: Slot) throws {
        try SlotRows.requireGeneration(request.expectedGeneration, slot)
        if transition.kind != .force { try SlotRows.requireNotFrozen(slot) }
        // A quarantine is of the bytes, whatever number they have.
        let rows = try connection.rows(
            "SELECT version, quarantine_reason FROM model_version WHERE name = ? AND version = ? "
                + "AND quarantined_at_ms IS NOT NULL UNION ALL SELECT version, quarantine_reason FROM model_version "
                + "WHERE name = ? AND digest = ? AND quarantined_at_ms IS NOT NULL ORDER BY version LIMIT 1",
            [
                .text(promotion.name), .integer(promotion.version ?? -1), .text(promotion.name),
                .text(promotion.digest),
            ]
        )
        guard let row = rows.first, let version = row.integer(0) else { return }
        throw Failure(
            .versionQuarantined,
            "version \(version) of '\(promotion.name)' is in quarantine: \(row.text(1) ?? "")",
            hint: "balanceops release \(promotion.name) \(version) --reason WHY",
            details: slot.json
        )
    }

    /// The file must be the one that was registered, judged and approved.
    private func checkDigest(_ facts: PromotionCase) throws {
        guard let version = promotion.version, let known = facts.candidate.digest, !promotion.digest.isEmpty,
            known != promotion.digest
        else { return }
        throw Failure(
            .artifactDamaged,
            "the file of version \(version) of '\(promotion.name)' is not the registered file "
                + "(SHA-256 \(promotion.digest.prefix(12)), expected \(known.prefix(12)))",
            hint: "register the current file as a new version"
        )
    }

    /// The decision that holds, made from what is in the database now.
    private func decide(_ slot: Slot) throws -> Decision {
        if transition.boundHash != slot.policyHash { throw StaleFacts() }
        let reader = CaseRows(
            name: promotion.name,
            policy: transition.policy ?? transition.advisor,
            connection: connection
        )
        var facts = try reader.read(
            promotion.candidate,
            fingerprint: transition.facts.evidence.candidate?.fingerprint,
            at: promotion.at
        )
        try checkDigest(facts)
        facts.evidence = transition.facts.evidence
        facts.selfTest = transition.facts.selfTest
        if facts.hash != transition.facts.hash { throw StaleFacts() }
        let decision = transition.policy?.decide(facts) ?? .byHand(facts, reason: byHandReason)
        if let expected = request.ifDecision, expected != decision.hash {
            throw Failure(
                .decisionChanged,
                "The decision has changed since it was reviewed: it is '\(decision.outcome.rawValue)' now, "
                    + "\(decision.reason)",
                hint: "request the decision again and send its decision_hash",
                details: decision.json
            )
        }
        return decision
    }

    private var byHandReason: String {
        switch transition.kind {
        case .promote: "promoted by hand"
        case .rollback: "rolled back by hand"
        case .force: "forced past the policy"
        }
    }

    // MARK: - The move

    private func move(from before: CurrentModel?) throws -> Int {
        if let before { try SQLRegistryStore.archive(before, connection) }
        let version = try promotion.version ?? SQLRegistryStore.insertVersion(promotion, path: path, connection)
        if promotion.version != nil {
            try SQLRegistryStore.update(version, promotion, path: path, connection)
        } else {
            try SnapshotRows.take(promotion.name, version, metrics: promotion.metrics, connection)
        }
        try connection.execute(
            "UPDATE model_version SET rolled_back_at_ms = NULL WHERE name = ? AND version = ?",
            [.text(promotion.name), .integer(version)]
        )
        if transition.kind == .rollback, let before {
            try connection.execute(
                "UPDATE model_version SET rolled_back_at_ms = ? WHERE name = ? AND version = ?",
                [.integer(promotion.at.milliseconds), .text(promotion.name), .integer(before.version)]
            )
        }
        if let run = promotion.runID, !path.isEmpty, try SQLRegistryStore.exists(run, connection) {
            try RunRows.insert(ArtifactRecord(kind: "model_current", path: path), of: run.stored, connection)
        }
        return version
    }

    /// A candidate that was judged counts against the budget of its data set.
    private func recordAttempt() throws {
        guard transition.kind == .promote else { return }
        try CaseRows.recordAttempt(transition.facts, at: promotion.at, connection)
    }

    // MARK: - After

    private func finish(
        _ decision: Decision,
        _ slot: Slot,
        _ action: AuditAction,
        version: Int? = nil,
        generations: (before: Int, after: Int)? = nil,
        isNoop: Bool = false
    ) throws -> TransitionResult {
        var event = AuditEvent(
            at: promotion.at,
            by: request.actor,
            action: action,
            subject: promotion.name,
            reason: request.reason.isEmpty ? decision.reason : request.reason
        )
        event.fromVersion = slot.version
        event.toVersion = version ?? promotion.version
        event.runID = promotion.runID?.stored
        event.generationBefore = slot.generation
        event.generationAfter = generations?.after ?? slot.generation
        event.policyHash = decision.policyHash
        event.decisionJSON = record(decision).text()
        event = try connection.append(event)
        let result = TransitionResult(
            kind: transition.kind,
            decision: decision,
            from: slot.version,
            to: event.toVersion,
            isNoop: isNoop,
            line: event.sequence,
            slot: try SlotRows.slot(promotion.name, connection)
        )
        try IdempotencyRows.keep(result, for: request, model: promotion.name, connection)
        return result
    }

    /// The decision with its inputs, so that it can be made again.
    private func record(_ decision: Decision) -> JSONValue {
        var inputs = transition.facts
        inputs.now = promotion.at
        var members = decision.json.members ?? []
        members.append(("inputs", inputs.json))
        if let advisor = transition.advisor { members.append(("advice", advisor.decide(inputs).json)) }
        if let test = promotion.selfTest { members.append(("self_test", test)) }
        return .object(members)
    }
}
