import BalanceCore

/// Reads everything that a decision depends on from one consistent state.
struct CaseRows {
    let name: String
    let policy: PromotionPolicy?
    let connection: any SQLConnection

    func read(_ candidate: CandidateReference, fingerprint: String?, at moment: Timestamp) throws -> PromotionCase {
        let slot = try SlotRows.slot(name, connection)
        let current = try slot.version.map { try facts(ofVersion: $0) } ?? lastServed()
        let judged = try facts(of: candidate)
        var found = PromotionCase(
            model: name,
            generation: slot.generation,
            candidate: judged,
            current: current,
            now: moment
        )
        found.history.lastPromotion = slot.promotedAt
        found.history.lastRollback = try lastRollback(judged)
        found.history.knowsData = false
        if let data = fingerprint ?? judged.dataset?.digest {
            found.history.knowsData = true
            found.history.attempts =
                try connection.rows(
                    "SELECT COUNT(*) FROM attempt WHERE name = ? AND dataset = ? AND digest <> ?",
                    [.text(name), .text(data), .text(found.attempt)]
                ).first?.integer(0) ?? 0
        }
        if let policy, let digest = judged.digest {
            found.approvals = try approvals(digest, policy.hash, found)
        }
        return found
    }

    /// Counts a test against the budget of its data set; the same test again is no other one.
    static func recordAttempt(_ facts: PromotionCase, at moment: Timestamp, _ connection: any SQLConnection) throws {
        guard let data = facts.evidence.candidate?.fingerprint ?? facts.candidate.dataset?.digest else { return }
        try connection.execute(
            "INSERT INTO attempt (name, dataset, digest, at_ms) SELECT name, ?, ?, ? FROM registered_model "
                + "WHERE name = ? ON CONFLICT DO NOTHING",
            [.text(data), .text(facts.attempt), .integer(moment.milliseconds), .text(facts.model)]
        )
    }

    // MARK: - Versions

    /// The version that served last, while none serves: taking the alias away must not make the next one the first.
    ///
    /// Where that version was deleted, what was known of it is kept.
    private func lastServed() throws -> VersionFacts? {
        guard let policy, policy.onMissingMetric != .legacyZero else { return nil }
        let kept = try connection.rows("SELECT baseline_json FROM slot WHERE name = ?", [.text(name)]).first?.text(0)
        if let kept { return VersionFacts(try JSONValue(parsing: Array(kept.utf8), allowsNonFinite: true)) }
        return try SlotRows.lastServed(name, connection).map { try facts(ofVersion: $0) }
    }

    /// Keeps what is known of a version that served last and is about to be deleted, so that the next candidate is not judged
    /// as the first.
    static func keepBaseline(_ version: Int, of name: String, _ connection: any SQLConnection) throws {
        let kept = try connection.rows("SELECT baseline_json FROM slot WHERE name = ?", [.text(name)]).first?.text(0)
        guard kept == nil, try SlotRows.lastServed(name, connection) == version else { return }
        let slot = try SlotRows.slot(name, connection)
        let policy = try slot.policyHash.flatMap {
            try PolicyRows.find(hash: $0, name: slot.policy, connection)?.policy
        }
        let facts = try CaseRows(name: name, policy: policy, connection: connection).facts(ofVersion: version)
        try connection.execute(
            "UPDATE slot SET baseline_json = ? WHERE name = ?",
            [.text(facts.json.text()), .text(name)]
        )
    }

    private func facts(of candidate: CandidateReference) throws -> VersionFacts {
        switch candidate {
        case .version(let number): return try facts(ofVersion: number)
        case .run(let run, let metrics, let digest, let signature):
            var facts = try SnapshotRows.live(run: run?.stored, model: nil, metrics: metrics, connection)
            facts.digest = digest
            facts.signature = signature
            try addPresent(&facts, model: nil)
            return facts
        }
    }

    private func facts(ofVersion number: Int) throws -> VersionFacts {
        let version = try VersionRows.version(number, of: name, connection)
        let row = try connection.rows(
            "SELECT v.snapshot_json, v.author, v.quarantined_at_ms, v.created_at_ms, v.metrics_json, "
                + "COALESCE(v.account_id, r.account_id) FROM model_version v LEFT JOIN run r ON r.run_id = v.run_id "
                + "WHERE v.name = ? AND v.version = ?",
            [.text(name), .integer(number)]
        ).first
        var facts = VersionFacts(
            row?.text(0).flatMap { try? JSONValue(parsing: $0) } ?? .object([("metrics", .object([]))])
        )
        if row?.text(0) == nil { facts.metrics = version.metrics }
        facts.version = number
        facts.runID = version.runID
        facts.author = row?.text(1)
        facts.authorAccount = row?.text(5)
        facts.digest = version.digest
        facts.evaluatedAt = facts.evaluatedAt ?? row?.integer(3).map(Timestamp.init(milliseconds:))
        facts.signature = version.signature
        facts.problem = version.problem
        facts.isQuarantined = try row?.integer(2) != nil || isQuarantined(version.digest)
        facts.tags = version.tags
        try addPresent(&facts, model: version.modelID)
        return facts
    }

    /// Whether the same bytes are in quarantine under another number.
    private func isQuarantined(_ digest: String?) throws -> Bool {
        guard let digest else { return false }
        return try !connection.rows(
            "SELECT 1 FROM model_version WHERE name = ? AND digest = ? AND quarantined_at_ms IS NOT NULL LIMIT 1",
            [.text(name), .text(digest)]
        ).isEmpty
    }

    /// What is looked up now, as far as the policy asks for it.
    private func addPresent(_ facts: inout VersionFacts, model: String?) throws {
        guard let policy else {
            facts.tags = []
            return
        }
        let wanted = Set(policy.require.tags.map(\.key))
        let runTags = try facts.runID.map { try tags(of: $0.stored, wanted) } ?? []
        let own = facts.tags.filter { wanted.contains($0.key) }
        facts.tags = runTags.filter { tag in !own.contains { $0.key == tag.key } } + own
        guard let run = facts.runID?.stored else { return }
        let rows = try connection.rows(
            "SELECT r.status, r.lifecycle_stage, COALESCE(e.artifact_location, 'mlflow-artifacts:/' || r.experiment_id) "
                + "FROM run r JOIN experiment e ON e.experiment_id = r.experiment_id WHERE r.run_id = ?",
            [.text(run)]
        )
        guard let row = rows.first else { return }
        facts.runStatus = row.text(1) == "deleted" ? "DELETED" : row.text(0)
        let prefix = "mlflow-artifacts:/"
        let location = row.text(2) ?? ""
        guard location.hasPrefix(prefix) else { return }
        let root = location.dropFirst(prefix.count)
        var folders = ["\(root)/\(run)/artifacts"]
        if let model { folders.append("\(root)/models/\(model)/artifacts") }
        for path in policy.require.artifacts where try has(path, in: folders, run: run) { facts.artifacts.append(path) }
        facts.predictionsDigest = try digest("\(folders[0])/\(policy.data.predictions)")
        facts.changedMetrics = try changed(facts, run)
    }

    private func tags(of run: String, _ keys: Set<String>) throws -> [KeyValue] {
        guard !keys.isEmpty else { return [] }
        return try connection.rows(
            "SELECT t.key, t.value FROM run r JOIN tag t ON t.run_seq = r.seq WHERE r.run_id = ? ORDER BY t.key",
            [.text(run)]
        )
        .map { KeyValue(key: $0.text(0) ?? "", value: $0.text(1) ?? "") }.filter { keys.contains($0.key) }
    }

    private func digest(_ path: String) throws -> String? {
        try connection.rows("SELECT digest FROM artifact WHERE path = ?", [.text(path)]).first?.text(0)
    }

    private func has(_ path: String, in folders: [String], run: String) throws -> Bool {
        for folder in folders {
            let exact = "\(folder)/\(path)"
            if try !connection.rows("SELECT 1 FROM artifact WHERE path = ?", [.text(exact)]).isEmpty { return true }
            // A file anywhere below: ranges of the primary key, no pattern.
            let below = try connection.rows(
                "SELECT path FROM artifact WHERE path > ? AND path < ? AND digest IS NOT NULL LIMIT 5000",
                [.text(folder + "/"), .text(folder + "0")]
            )
            if below.contains(where: { ($0.text(0) ?? "").hasSuffix("/\(path)") }) { return true }
        }
        return try connection.rows("SELECT path FROM run_artifact WHERE run_id = ?", [.text(run)])
            .contains { ($0.text(0) ?? "").hasSuffix("/\(path)") }
    }

    private func changed(_ facts: VersionFacts, _ run: String) throws -> [String] {
        guard facts.version != nil, let policy else { return [] }
        var found: Set<String> = []
        for key in Set(policy.rules.map(\.metric)) {
            guard let known = facts.metrics.value(of: key),
                let row = try connection.rows(
                    "SELECT m.value, m.is_nan FROM run r JOIN latest_metric m ON m.run_seq = r.seq "
                        + "WHERE r.run_id = ? AND m.key_id = \(RunRows.keyNumber)",
                    [.text(run), .text(key)]
                ).first
            else { continue }
            let now = RunRows.value(row, 0)
            // A logged model's own value stands over the run's.
            let isOwn = facts.datasetMetrics.contains { $0.key == key }
            if !isOwn, now != known, !(now.isNaN && known.isNaN) { found.insert(key) }
        }
        return found.sorted()
    }

    // MARK: - History

    private func lastRollback(_ facts: VersionFacts) throws -> Timestamp? {
        guard let digest = facts.digest else { return nil }
        return try connection.rows(
            "SELECT MAX(rolled_back_at_ms) FROM model_version WHERE name = ? AND digest = ? "
                + "AND rolled_back_at_ms IS NOT NULL",
            [.text(name), .text(digest)]
        ).first?.integer(0).map(Timestamp.init(milliseconds:))
    }

    private func approvals(
        _ digest: String,
        _ hash: String,
        _ facts: PromotionCase
    ) throws -> [PromotionCase.Approval] {
        // Where there are accounts, what somebody said without one counts no more.
        let people = try AccountRows.exist(connection) ? "account_id IS NOT NULL AND " : ""
        return try connection.rows(
            "SELECT actor, expires_at_ms, account_id FROM approval WHERE \(people) name = ? AND digest = ? AND policy_hash = ? "
                + "AND generation = ? AND inputs_hash = ? ORDER BY actor",
            [.text(name), .text(digest), .text(hash), .integer(facts.generation), .text(facts.approvedHash)]
        ).map { row in
            let (actor, account) = (row.text(0) ?? "", row.text(2))
            return PromotionCase.Approval(
                actor: actor,
                roles: try roles(of: actor, account: account),
                expiresAt: Timestamp(milliseconds: row.integer(1) ?? 0),
                account: account,
                isAuthors: try account.map { account in
                    try facts.candidate.version.map { try AuthorRows.made($0, of: name, by: account, connection) }
                        ?? false
                } ?? false
            )
        }
    }

    /// The roles that somebody has for the model: by the grants of their account; without one its tags `role:NAME` hold names
    /// with commas.
    func roles(of actor: String, account: String?) throws -> [String] {
        if let account {
            let grants = try AccountRows.grants(of: account, connection)
            return Principal(id: account, name: actor, door: .token, grants: grants).approvalRoles(of: name)
        }
        let person = PersonName.folded(actor)
        return try connection.rows(
            "SELECT key, value FROM registered_model_tag WHERE name = ? AND key >= 'role:' AND key < 'role;' ORDER BY key",
            [.text(name)]
        ).filter { row in
            Self.isRole(row.text(0) ?? "")
                && (row.text(1) ?? "").split(separator: ",").contains { PersonName.folded(String($0)) == person }
        }.map { String(($0.text(0) ?? "").dropFirst(Self.rolePrefix.count)) }
    }

    private static let rolePrefix = "role:"

    /// Whether the tag of a model says who has a role; the one test for what counts and for what the trail records.
    static func isRole(_ key: String) -> Bool { key.utf8.starts(with: rolePrefix.utf8) }
}
